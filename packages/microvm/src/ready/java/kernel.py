"""A Jupyter kernel for Java: cells run in JShell (`Cells.java`)."""

import base64
import codecs
import json
import os
import secrets
import subprocess
import threading
from pathlib import Path
from typing import IO, Any

from ipykernel.kernelapp import IPKernelApp
from ipykernel.kernelbase import Kernel

CHUNK_BYTES = 65536
CLASSES = Path(__file__).parent / "cells.jar"
# JShell compiles in the same process, which under emulation is translated once.
JAVA = ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto"]
# What a copy of the machine has to have of its own is in private fields (`Machine.java`).
for package in ("lang", "util", "util.concurrent"):
    JAVA.append(f"--add-opens=java.base/java.{package}=ALL-UNNAMED")
# How cells that nobody hears begin that are for the kernel itself.
MAGIC = "%emberbox "


def encode(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


class Cells:
    """The process that runs cells."""

    def __init__(self) -> None:
        reading, writing = os.pipe()
        self.process = subprocess.Popen(
            [*JAVA, "-cp", str(CLASSES), "Cells", str(writing)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=[writing],
            # An interrupt is for the kernel, which asks the cells to stop.
            start_new_session=True,
        )
        os.close(writing)
        self.answers: IO[str] = os.fdopen(reading, encoding="utf-8")
        self.next_answer()

    def send(self, *words: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(f"{' '.join(words)}\n".encode())
        self.process.stdin.flush()

    def next_answer(self) -> list[str]:
        line = self.answers.readline()
        if not line:
            raise EOFError(f"Java ended with {self.process.wait()}")
        kind, *texts = line.split()
        return [kind, *(base64.b64decode(text).decode() for text in texts)]


class JavaKernel(Kernel):  # type: ignore[misc]
    implementation = "emberbox-java"
    implementation_version = "1"
    language_info = {"name": "java", "mimetype": "text/x-java", "file_extension": ".java"}
    banner = "Java"

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.cells = Cells()

    def do_execute(
        self, code: str, silent: bool, store_history: bool = True, *_: Any, **__: Any
    ) -> dict[str, Any]:
        if silent and code.startswith(MAGIC):
            return self.do_magic(code.removeprefix(MAGIC))
        process = self.cells.process
        mark = f"\0{secrets.token_hex(16)}"
        printing = [
            threading.Thread(target=self.print_all, args=(name, stream, mark.encode(), silent))
            for name, stream in (("stdout", process.stdout), ("stderr", process.stderr))
        ]
        for thread in printing:
            thread.start()
        self.cells.send("run", encode(code or " "), encode(mark))
        error: list[str] | None = None
        while True:
            try:
                kind, *texts = self.cells.next_answer()
            except KeyboardInterrupt:
                self.cells.send("stop")
                continue
            except EOFError as end:
                os._exit(1) if silent else self.lost(str(end))
            if kind == "done":
                break
            if kind == "error":
                error = texts
            elif kind == "value" and not silent:
                content = {"data": {"text/plain": texts[0]}, "metadata": {}}
                self.send_response(
                    self.iopub_socket,
                    "execute_result",
                    {"execution_count": self.execution_count, **content},
                )
        for thread in printing:
            thread.join()
        return self.succeed() if error is None else self.fail(*error)

    def do_magic(self, line: str) -> dict[str, Any]:
        word, _, rest = line.partition(" ")
        envs: dict[str, str] = json.loads(rest or "{}")
        self.cells.send(word, *(encode(text) for pair in envs.items() for text in pair))
        while True:
            try:
                kind, *texts = self.cells.next_answer()
            except KeyboardInterrupt:
                continue
            except EOFError:
                os._exit(1)
            if kind == "done":
                return self.succeed()
            if kind == "error":
                return self.fail(*texts)

    def succeed(self) -> dict[str, Any]:
        return {
            "status": "ok",
            "execution_count": self.execution_count,
            "payload": [],
            "user_expressions": {},
        }

    def fail(self, name: str, value: str, trace: str) -> dict[str, Any]:
        lines = [f"{name}: {value}", *trace.splitlines()]
        content = {"ename": name, "evalue": value, "traceback": lines}
        self.send_response(self.iopub_socket, "error", content)
        return {"status": "error", "execution_count": self.execution_count, **content}

    def lost(self, why: str) -> None:
        self.fail("KernelError", why, "")
        os._exit(1)

    def print_all(self, name: str, stream: IO[bytes], mark: bytes, silent: bool) -> None:
        """Passes on what a cell prints, up to the mark."""
        decode = codecs.getincrementaldecoder("utf-8")(errors="replace").decode
        rest = b""
        while mark not in rest:
            read = os.read(stream.fileno(), CHUNK_BYTES)
            if not read:
                break
            rest += read
            end = rest.find(mark)
            if end == -1:
                # What may be the beginning of the mark waits for what follows.
                begins = rest.rfind(mark[:1], max(0, len(rest) - len(mark) + 1))
                end = begins if begins != -1 else len(rest)
            text, rest = decode(rest[:end]), rest[end:]
            if text and not silent:
                self.send_response(self.iopub_socket, "stream", {"name": name, "text": text})

    def do_is_complete(self, code: str) -> dict[str, str]:
        self.cells.send("complete?", encode(code or " "))
        state = self.cells.next_answer()[1]
        if state in ("DEFINITELY_INCOMPLETE", "CONSIDERED_INCOMPLETE"):
            return {"status": "incomplete", "indent": ""}
        return {"status": "complete" if state.startswith("COMPLETE") else "unknown"}

    def do_shutdown(self, restart: bool) -> dict[str, Any]:
        self.cells.process.kill()
        return {"status": "ok", "restart": restart}


if __name__ == "__main__":
    IPKernelApp.launch_instance(kernel_class=JavaKernel)
