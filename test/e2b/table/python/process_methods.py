"""Commands and terminals."""

import threading

from e2b.sandbox.commands.command_handle import PtySize
from exported import CommandExitException, NotFoundException, TimeoutException
from method import Context, equal, method, rejects

SIZE = PtySize(rows=24, cols=80)


def reads_until(handle, expected: str) -> None:
    """Reads what a process prints, until that is there."""
    seen = ""
    for stdout, _, pty in handle:
        seen += stdout or (pty or b"").decode(errors="replace")
        if expected in seen:
            return
    raise AssertionError(f"{expected!r} is not in {seen!r}")


@method("commands.run")
def run(context: Context) -> None:
    commands, lines = context.sandbox.commands, []
    result = commands.run(
        "echo $X; pwd; id -un; echo err >&2",
        envs={"X": "1"},
        cwd=context.directory,
        user="root",
        on_stdout=lines.append,
    )
    equal((result.stdout, result.stderr), (f"1\n{context.directory}\nroot\n", "err\n"))
    equal("".join(lines), result.stdout)
    error = rejects(CommandExitException, lambda: commands.run("echo so far; exit 7"))
    assert isinstance(error, CommandExitException)
    equal((error.exit_code, error.stdout), (7, "so far\n"))
    rejects(TimeoutException, lambda: commands.run("sleep 60", timeout=0.5))


@method("commands.list")
def list_(context: Context) -> None:
    handle = context.sandbox.commands.run("sleep 71", background=True)
    [listed] = [each for each in context.sandbox.commands.list() if each.pid == handle.pid]
    equal(listed.args, ["-l", "-c", "sleep 71"])
    handle.kill()


@method("commands.connect")
def connect(context: Context) -> None:
    commands = context.sandbox.commands
    pid = commands.run("sleep 2; echo late; exit 3", background=True).pid
    error = rejects(CommandExitException, commands.connect(pid).wait)
    assert isinstance(error, CommandExitException)
    equal((error.exit_code, error.stdout), (3, "late\n"))
    rejects(NotFoundException, lambda: commands.connect(999_999))


@method("commands.kill")
def kill(context: Context) -> None:
    handle = context.sandbox.commands.run("sleep 60", background=True)
    equal(context.sandbox.commands.kill(handle.pid), True)
    equal(context.sandbox.commands.kill(999_999), False)


@method("commands.send_stdin")
def send_stdin(context: Context) -> None:
    cat = context.sandbox.commands.run("cat", background=True, stdin=True)
    context.sandbox.commands.send_stdin(cat.pid, "typed\n")
    reads_until(cat, "typed\n")
    cat.kill()


@method("commands.close_stdin")
def close_stdin(context: Context) -> None:
    cat = context.sandbox.commands.run("cat", background=True, stdin=True)
    context.sandbox.commands.send_stdin(cat.pid, "all")
    context.sandbox.commands.close_stdin(cat.pid)
    equal(cat.wait().stdout, "all")


@method("commands.stream_input")
def stream_input(context: Context) -> None:
    cat = context.sandbox.commands.run("cat", background=True, stdin=True)
    context.sandbox.commands.stream_input(cat.pid, ["one ", b"two"])
    context.sandbox.commands.close_stdin(cat.pid)
    equal(cat.wait().stdout, "one two")


@method("handle.wait")
def wait(context: Context) -> None:
    lines: list[str] = []
    handle = context.sandbox.commands.run("echo done", background=True)
    equal(handle.wait(on_stdout=lines.append).exit_code, 0)
    equal(lines, ["done\n"])


@method("handle.disconnect")
def disconnect(context: Context) -> None:
    handle = context.sandbox.commands.run("sleep 73", background=True)
    handle.disconnect()
    assert handle.pid in [each.pid for each in context.sandbox.commands.list()]
    context.sandbox.commands.kill(handle.pid)


@method("handle.kill")
def its_kill(context: Context) -> None:
    equal(context.sandbox.commands.run("sleep 60", background=True).kill(), True)


@method("handle.send_stdin", "handle.close_stdin")
def its_stdin(context: Context) -> None:
    cat = context.sandbox.commands.run("cat", background=True, stdin=True)
    cat.send_stdin("typed")
    cat.close_stdin()
    equal(cat.wait().stdout, "typed")


@method("pty.create")
def create(context: Context) -> None:
    terminal = context.sandbox.pty.create(SIZE)
    context.sandbox.pty.send_stdin(terminal.pid, b"tty; echo $TERM\n")
    reads_until(terminal, "xterm-256color")
    terminal.kill()


@method("pty.send_stdin")
def pty_send_stdin(context: Context) -> None:
    terminal = context.sandbox.pty.create(SIZE)
    context.sandbox.pty.send_stdin(terminal.pid, b"exit\n")
    equal(terminal.wait().exit_code, 0)


@method("pty.stream_input")
def pty_stream_input(context: Context) -> None:
    terminal = context.sandbox.pty.create(SIZE)
    typing = threading.Thread(
        target=context.sandbox.pty.stream_input, args=[terminal.pid, [b"exi", b"t 3\n"]]
    )
    typing.start()
    error = rejects(CommandExitException, terminal.wait)
    assert isinstance(error, CommandExitException)
    equal(error.exit_code, 3)
    typing.join()


@method("pty.connect")
def pty_connect(context: Context) -> None:
    terminal = context.sandbox.pty.create(SIZE)
    terminal.disconnect()
    again = context.sandbox.pty.connect(terminal.pid)
    context.sandbox.pty.send_stdin(terminal.pid, b"echo a''gain\n")
    reads_until(again, "again\r\n")
    again.kill()


@method("pty.resize")
def resize(context: Context) -> None:
    terminal = context.sandbox.pty.create(SIZE)
    context.sandbox.pty.resize(terminal.pid, PtySize(rows=31, cols=101))
    context.sandbox.pty.send_stdin(terminal.pid, b"stty size\n")
    reads_until(terminal, "31 101")
    terminal.kill()


@method("pty.kill")
def pty_kill(context: Context) -> None:
    terminal = context.sandbox.pty.create(SIZE)
    equal(context.sandbox.pty.kill(terminal.pid), True)
    equal(context.sandbox.pty.kill(999_999), False)
