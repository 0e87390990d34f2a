"""What E2B's Python SDK does, as guides show it, against the server that the environment names. Prints what it saw."""

import asyncio
import os
import sys
import time
import urllib.error
import urllib.request

from e2b import CommandExitException
from e2b.sandbox.commands.command_handle import PtySize
from e2b_code_interpreter import AsyncSandbox, Sandbox


def visit(url):
    for _ in range(120):
        try:
            return urllib.request.urlopen(url).read().decode()
        except urllib.error.HTTPError as error:
            if error.code != 502:
                raise
            time.sleep(0.5)


sandbox = Sandbox.create(timeout=300, metadata={"from": "python"}, envs={"COLOUR": "green"})
lines = []
code = "import os\nprint('streamed')\nx = 6 * 7\n(os.environ['COLOUR'], x)"
execution = sandbox.run_code(code, on_stdout=lambda message: lines.append(message.line.strip()))
print(execution.text, lines, execution.error)
print(sandbox.run_code("1 / 0").error.name)
print(sandbox.run_code("[1, 2].map((n) => n * 2)", language="javascript").text)
plot = "import matplotlib.pyplot as plt\nplt.bar(['a'], [1])\nplt.show()"
[figure] = sandbox.run_code(plot).results
print(figure.png[:8], figure.chart.type.value)
context = sandbox.create_code_context(cwd="/tmp")
print(sandbox.run_code("import os; os.getcwd()", context=context).text)

sandbox.files.write("a/b.txt", "text ü")
sandbox.files.write("data", b"\0\xff")
print(sandbox.files.read("a/b.txt"), bytes(sandbox.files.read("data", format="bytes")))
sandbox.files.rename("a/b.txt", "a/c.txt")
print([entry.name for entry in sandbox.files.list("a")], sandbox.files.exists("a/b.txt"))
print(visit(sandbox.download_url("/home/user/a/c.txt")))

result = sandbox.commands.run("echo out; echo err >&2")
print(result.stdout.strip(), result.stderr.strip(), result.exit_code)
try:
    sandbox.commands.run("exit 3")
except CommandExitException as error:
    print("exit", error.exit_code)
cat = sandbox.commands.run("cat", background=True, stdin=True)
sandbox.commands.send_stdin(cat.pid, "echoed\n")
for stdout, _, _ in cat:
    print(stdout.strip(), cat.kill())
    break
shown = []
terminal = sandbox.pty.create(PtySize(rows=24, cols=80))
sandbox.pty.send_stdin(terminal.pid, b"echo $((6 * 7)); exit\n")
terminal.wait(on_pty=shown.append)
print(b"42" in b"".join(shown))
sandbox.commands.run("python3 -m http.server -d a 8000", background=True)
print(visit(f"https://{sandbox.get_host(8000)}/c.txt"))

print(Sandbox.connect(sandbox.sandbox_id).run_code("x").text, sandbox.get_info().metadata)
listed = Sandbox.list().next_items()
print(sandbox.sandbox_id in [info.sandbox_id for info in listed], len(sandbox.get_metrics()) > 0)
sandbox.pause()
print(Sandbox.connect(sandbox.sandbox_id).run_code("x").text)
print(sandbox.kill(), sandbox.is_running())


async def main():
    other = await AsyncSandbox.create()
    execution = await other.run_code("print(1); 2")
    print(execution.text, execution.logs.stdout, await other.files.exists("none"), await other.kill())


asyncio.run(main())
# Without the interpreter's own end, in which native threads of newer SDKs sometimes abort.
sys.stdout.flush()
os._exit(0)
