"""One code context: a process, forked from the zygote, that runs cells one after another."""

import functools
import json
import os
import signal
import struct
import subprocess
import sys
from typing import Any, Callable, Optional

import emberbox_loop
import emberbox_print
import emberbox_programs
import emberbox_seeds
from emberbox_channel import EXECUTE, HEADER, OUTPUT, REPORT_FILES, RESET, RESTORED, Channel, Streams
from emberbox_files import Snapshot, files_line, snapshot
from emberbox_figures import pictures
from emberbox_shell import attach, reset

LENGTH = struct.Struct(">I")


class Context:
    def __init__(self, shell: Any, connection: int, pipes: dict[str, int], env: dict[str, str]) -> None:
        self.shell = shell
        self.connection = connection
        self.channel = Channel(connection, pipes)
        self.received = bytearray()
        self.env = env
        self.has_run = False
        self.report_files = False
        # The directory before the cell, if the cell's files are to be reported.
        self.before: Optional[Snapshot] = None
        attach(shell, self.channel, Streams(self.channel))
        emberbox_print.install(shell.streams)
        os.register_at_fork(before=self.channel.drain, after_in_child=self.channel.forked)
        setattr(os, "system", emberbox_programs.system)
        for name in ("_execute_child", "wait"):
            setattr(subprocess.Popen, name, ordered(self.channel, getattr(subprocess.Popen, name)))

    def serve(self, problem: str) -> None:
        emberbox_seeds.renew(drawn=False)
        signal.signal(signal.SIGINT, self.channel.on_interrupt)
        self.channel.watch()
        self.channel.ready(problem)
        while True:
            kind, payload = self.receive()
            if kind == EXECUTE:
                try:
                    self.execute(payload)
                except KeyboardInterrupt:
                    # It arrived after the cell's last statement.
                    self.finish()
            elif kind == REPORT_FILES:
                self.report_files = True
            elif kind == RESTORED:
                self.restored(json.loads(payload))
            elif kind == RESET:
                reset(self.shell)
                emberbox_seeds.renew()
                self.has_run = False
                self.channel.late.clear()
                self.channel.late_size = 0
                self.channel.end(self.shell.execution_count)

    def receive(self) -> tuple[int, bytes]:
        received = self.received
        while True:
            if len(received) >= HEADER.size:
                length, kind = HEADER.unpack_from(received)
                end = HEADER.size + length
                if len(received) >= end:
                    payload = bytes(received[HEADER.size : end])
                    del received[:end]
                    return kind, payload
            emberbox_loop.idle(self.connection)
            data = os.read(self.connection, 256 * 1024)
            if not data:
                os._exit(0)
            received += data

    def execute(self, payload: bytes) -> None:
        """`payload`: the length of a JSON object of variables, that object (or nothing), and the code."""
        (size,) = LENGTH.unpack_from(payload)
        changed = apply(json.loads(payload[4 : 4 + size])) if size else None
        code = payload[4 + size :].decode("utf-8", "replace")
        if signal.getsignal(signal.SIGINT) != self.channel.on_interrupt:
            signal.signal(signal.SIGINT, self.channel.on_interrupt)
        shell, channel = self.shell, self.channel
        shell.streams.heal()
        emberbox_loop.begin()
        if self.report_files:
            self.report_files = False
            self.before = snapshot()
        self.has_run = True
        shell.displays.begin()
        if pictures:
            pictures.saved.begin()
        channel.begin()
        try:
            shell.run_cell(code, store_history=True)
        except BaseException:
            # An interrupt arrived while the cell was being cleaned up.
            try:
                shell.showtraceback()
            except BaseException:
                pass
        if os.getpid() != channel.process:
            # User code forked, and the child ran to the end of the cell.
            os._exit(0)
        if changed:
            apply(changed)
        self.finish()

    def finish(self) -> None:
        # From here on an interrupt is late, and ignored.
        self.channel.guarded += 1
        try:
            for stream in (self.shell.streams.out, getattr(sys, "stdout", None), getattr(sys, "stderr", None)):
                try:
                    if stream is not None:
                        stream.flush()
                except Exception:
                    pass
            self.show_rest()
            if self.before is not None:
                before, self.before = self.before, None
                self.channel.line(OUTPUT, files_line(before), flush=False)
            self.channel.end(self.shell.execution_count)
        finally:
            self.channel.guarded = 0
            self.channel.interrupted = False

    def show_rest(self) -> None:
        """Sends the displays that are held; what cannot be sent is an error of the cell."""
        while True:
            try:
                return self.shell.displays.flush()
            except Exception:
                self.shell.showtraceback()

    def restored(self, request: dict[str, Any]) -> None:
        """After a restored snapshot: its clones must differ, and have variables of their own."""
        env = request["env"]
        for name in self.env:
            if name not in env:
                os.environ.pop(name, None)
        os.environ.update(env)
        self.env = env
        emberbox_seeds.renew(self.has_run)


def ordered(channel: Channel, function: Callable[..., Any]) -> Callable[..., Any]:
    """What was printed before a program started or ended comes before what is printed afterwards."""

    @functools.wraps(function)
    def both(*arguments: Any, **named: Any) -> Any:
        __tracebackhide__ = True
        channel.drain()
        try:
            return function(*arguments, **named)
        finally:
            channel.drain()

    return both


def apply(variables: dict[str, Optional[str]]) -> dict[str, Optional[str]]:
    """Sets environment variables (`None` removes one) and returns what they were."""
    before = {name: os.environ.get(name) for name in variables}
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    return before
