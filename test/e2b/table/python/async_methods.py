"""A sample of `AsyncSandbox` and its like: they send the same requests."""

import asyncio
from collections.abc import Awaitable, Callable

from e2b.sandbox.commands.command_handle import PtySize
from exported import AsyncSandbox, AsyncTemplate, FilesystemEvent, NotFoundException
from method import Context, Run, equal, method


def in_loop(*names: str) -> Callable[[Callable[[Context], Awaitable[None]]], Run]:
    def add(run: Callable[[Context], Awaitable[None]]) -> Run:
        async def main(context: Context) -> None:
            await run(context)

        return method(*names)(lambda context: asyncio.run(main(context)))

    return add


@in_loop("AsyncSandbox.create", "AsyncSandbox.kill", "AsyncSandbox.is_running")
async def create(_: Context) -> None:
    async with await AsyncSandbox.create(envs={"A": "1"}) as sandbox:
        equal((await sandbox.commands.run("echo $A")).stdout, "1\n")
        equal(await sandbox.kill(), True)
        equal(await sandbox.is_running(), False)


@in_loop("AsyncSandbox.connect", "AsyncSandbox.list", "AsyncSandbox.get_info")
async def connect(context: Context) -> None:
    sandbox = await AsyncSandbox.connect(context.sandbox.sandbox_id)
    equal((await sandbox.get_info()).sandbox_id, sandbox.sandbox_id)
    assert sandbox.sandbox_id in [info.sandbox_id for info in await AsyncSandbox.list().next_items()]


@in_loop("AsyncSandbox.pause", "AsyncSandbox.create_snapshot", "AsyncSandbox.delete_snapshot")
async def pause(_: Context) -> None:
    sandbox = await AsyncSandbox.create()
    await sandbox.run_code("kept = 7")
    assert await sandbox.pause() is not False
    equal(await sandbox.is_running(), False)
    await sandbox.connect()
    snapshot = await sandbox.create_snapshot()
    async with await AsyncSandbox.create(snapshot.snapshot_id) as copy:
        equal((await copy.run_code("kept")).text, "7")
    equal(await AsyncSandbox.delete_snapshot(snapshot.snapshot_id), True)
    await sandbox.kill()


@in_loop("AsyncSandbox.run_code", "AsyncSandbox.create_code_context")
async def run_code(context: Context) -> None:
    sandbox = await AsyncSandbox.connect(context.sandbox.sandbox_id)
    lines: list[str] = []

    async def keep(message) -> None:
        lines.append(message.line)

    made = await sandbox.create_code_context()
    execution = await sandbox.run_code("print('seen')\n6 * 7", context=made, on_stdout=keep)
    equal((execution.text, "".join(lines)), ("42", "seen\n"))
    await sandbox.remove_code_context(made)


@in_loop("AsyncSandbox.files")
async def files(context: Context) -> None:
    sandbox = await AsyncSandbox.connect(context.sandbox.sandbox_id)
    seen: list[str] = []
    path = f"{context.directory}/file"

    def notice(event: FilesystemEvent) -> None:
        seen.append(event.name)

    watch = await sandbox.files.watch_dir(context.directory, on_event=notice)
    await sandbox.files.write(path, "text")
    equal(await sandbox.files.read(path), "text")
    stream = await sandbox.files.read(path, format="stream")
    equal(b"".join([chunk async for chunk in stream]), b"text")
    for _ in range(100):
        if "file" in seen:
            break
        await asyncio.sleep(0.1)
    assert "file" in seen
    await watch.stop()


@in_loop("AsyncSandbox.commands", "AsyncSandbox.pty")
async def commands(context: Context) -> None:
    sandbox = await AsyncSandbox.connect(context.sandbox.sandbox_id)
    head = await sandbox.commands.run("head -c 5", background=True, stdin=True)
    await sandbox.commands.send_stdin(head.pid, "typed")
    equal((await head.wait()).stdout, "typed")
    try:
        await sandbox.commands.connect(999_999)
        raise AssertionError("there is no such process")
    except NotFoundException:
        pass
    screen: list[bytes] = []
    terminal = await sandbox.pty.create(PtySize(rows=24, cols=80), on_data=screen.append)
    await sandbox.pty.send_stdin(terminal.pid, b"echo $((6 * 7)); exit\n")
    await terminal.wait()
    assert b"42" in b"".join(screen)


@in_loop("AsyncTemplate.exists")
async def template(_: Context) -> None:
    equal(await AsyncTemplate.exists("base"), True)
