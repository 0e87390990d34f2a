"""The event loop of a context: for scripts, which run a loop, and for notebooks, where one goes on by itself.

No loop runs while a plain cell does, so `asyncio.run` and `run_until_complete` work. There always is a current loop, so
`get_event_loop` and `create_task` work; their tasks run whenever a cell awaits something, and between cells. A cell
that itself calls `get_running_loop` runs in the loop, as in a notebook.
"""

import ast
import asyncio
import functools
import threading
from typing import Any, Callable, Coroutine, Optional


# Python before 3.11 has no groups of exceptions.
TRIES = (ast.Try, getattr(ast, "TryStar", ast.Try))


class Loop(asyncio.SelectorEventLoop):
    def run_until_complete(self, future: Any) -> Any:
        """An interrupt cancels what was waited for: otherwise it would run on after its cell."""
        future = asyncio.ensure_future(future, loop=self)
        try:
            return super().run_until_complete(future)
        except KeyboardInterrupt:
            future.cancel()
            raise


class Policy(asyncio.DefaultEventLoopPolicy):
    """Makes a loop wherever the main thread has none, or a closed one."""

    _loop_factory = Loop
    # What is current in the main thread, and what the context keeps.
    current: Optional[asyncio.AbstractEventLoop] = None
    kept: Optional[asyncio.AbstractEventLoop] = None

    def get_event_loop(self) -> asyncio.AbstractEventLoop:
        if is_main() and (self.current is None or self.current.is_closed()):
            self.set_event_loop(self.loop())
        return super().get_event_loop()

    def set_event_loop(self, loop: Optional[asyncio.AbstractEventLoop]) -> None:
        super().set_event_loop(loop)
        if is_main():
            self.current = loop

    def loop(self) -> asyncio.AbstractEventLoop:
        if self.kept is None or self.kept.is_closed():
            self.kept = self.new_event_loop()
        return self.kept

    def drop(self) -> None:
        """Before a fork: both sides would share the loop's descriptors."""
        if self.kept is not None:
            self.kept.close()
        self.kept = None
        self.set_event_loop(None)


def is_main() -> bool:
    return threading.current_thread() is threading.main_thread()


policy = Policy()


def install() -> None:
    asyncio.set_event_loop_policy(policy)
    create_task = with_loop(asyncio.create_task)
    setattr(asyncio, "create_task", create_task)
    setattr(asyncio.tasks, "create_task", create_task)


def with_loop(original: Callable[..., Any]) -> Callable[..., Any]:
    """`create_task` that also works in a cell that awaits nothing."""

    @functools.wraps(original)
    def create_task(coro: Coroutine[Any, Any, Any], **options: Any) -> Any:
        __tracebackhide__ = True
        if is_main() and asyncio._get_running_loop() is None:
            return asyncio.get_event_loop().create_task(coro, **options)
        return original(coro, **options)

    return create_task


def demands_loop(code: str) -> bool:
    """Whether a cell calls `get_running_loop` and has no answer to an error: neither in a `try`, nor in a function."""
    if "get_running_loop" not in code:
        return False
    try:
        nodes: list[ast.AST] = [ast.parse(code)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    while nodes:
        node = nodes.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        if isinstance(node, TRIES) and getattr(node, "handlers"):
            continue
        if isinstance(node, ast.Call):
            called = node.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if name == "get_running_loop":
                return True
        nodes.extend(ast.iter_child_nodes(node))
    return False


def begin() -> None:
    """Before a cell: the context's own loop is the current one, whatever the last cell left."""
    if policy.current is not None:
        policy.set_event_loop(None)


def idle(connection: int) -> None:
    """Lets tasks go on until there is something to read."""
    loop = policy.kept
    if loop is None or loop.is_closed() or loop.is_running() or not asyncio.all_tasks(loop):
        return
    arrived = False

    def stop(loop: asyncio.AbstractEventLoop) -> None:
        nonlocal arrived
        arrived = True
        loop.stop()

    loop.add_reader(connection, stop, loop)
    try:
        while not arrived and not loop.is_closed():
            try:
                loop.run_forever()
            except BaseException:
                # A task raised what ends programs; the others go on.
                pass
    finally:
        if not loop.is_closed():
            loop.remove_reader(connection)
