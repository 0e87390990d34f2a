"""The connection from user code to the agent: frames on a socket, and the pipes behind descriptors 1 and 2.

A frame is `[u32 big-endian length][u8 kind][payload]`. Whatever writes to descriptor 1 or 2 (Python's own streams, C
code, child processes) writes into a pipe, which this process reads and turns into lines of the protocol. So what was
printed is kept, in order, even if this process dies in the middle.
"""

import _thread
import fcntl
import io
import os
import select
import signal
import struct
import sys
import threading
from codecs import IncrementalDecoder, getincrementaldecoder
from json import encoder
from time import gmtime, monotonic, sleep, strftime, time
from types import FrameType
from typing import Any, Callable, Optional

# To the agent.
OUTPUT, ERROR, END, READY, HELLO = 1, 2, 3, 4, 5
# From the agent.
EXECUTE, RESTORED, RESET, REPORT_FILES = 1, 2, 3, 4

HEADER = struct.Struct(">IB")
# One read of a pipe; its line is at most six times as long.
READ_SIZE = 64 * 1024
WRITE_BUFFER = 512 * 1024
# Characters of output kept while nothing runs, for the next execution.
LATE_LIMIT = 64 * 1024
# How long output waits for more, in seconds: the first after a while, and what follows it.
COALESCE = 0.003
COALESCE_MORE = 0.02

decoder = getincrementaldecoder("utf-8")
# A text as a JSON string, all ASCII. This is what `json.dumps` calls in the end, without its overhead.
quote: Callable[[str], str] = getattr(encoder, "encode_basestring_ascii")


def frame(kind: int, payload: bytes = b"") -> bytes:
    return HEADER.pack(len(payload), kind) + payload


# After how long a dropped interrupt comes again, in seconds.
AGAIN = 0.01


class Interrupt(KeyboardInterrupt):
    """An interrupt that notices when it is dropped: one raised while C code closes a forgotten file is lost."""

    def __init__(self, channel: "Channel") -> None:
        super().__init__()
        self.channel = channel

    def __del__(self) -> None:
        if not is_seen(self):
            _thread.start_new_thread(self.channel.interrupt_again, ())


Interrupt.__name__ = Interrupt.__qualname__ = "KeyboardInterrupt"
Interrupt.__module__ = "builtins"


def is_seen(error: BaseException) -> bool:
    """Whether it reached any Python code outside this file, which may catch it."""
    traceback = error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename != __file__:
            return True
        traceback = traceback.tb_next
    return False


class Channel:
    """Sends frames in the order in which things happened."""

    def __init__(self, connection: int, pipes: dict[str, int]) -> None:
        """`connection`: descriptor of the socket. `pipes`: read ends, by the stream's name."""
        # CPython's own buffered writer: a signal handler that raises in the middle of a write loses nothing of it.
        self.connection = connection
        self.writer = io.BufferedWriter(io.FileIO(connection, "wb", closefd=False), WRITE_BUFFER)
        self.lock = threading.RLock()
        self.poller = select.poll()
        self.output = select.poll()
        self.pipes: dict[int, tuple[str, IncrementalDecoder]] = {}
        if "stdout" in pipes:
            self.output.register(pipes["stdout"], select.POLLIN)
        for name, descriptor in pipes.items():
            self.pipes[descriptor] = (name, decoder("replace"))
            self.poller.register(descriptor, select.POLLIN)
        self.main = threading.get_ident()
        self.process = os.getpid()
        self.executing = False
        self.execution = 0
        self.guarded = 0
        self.interrupted = False
        # Python wrote to standard error since the last drain.
        self.owed = False
        self.late: list[tuple[str, str]] = []
        self.late_size = 0
        self.second = 0
        self.prefix = ""

    # An interrupt waits while the main thread moves output, so that none is lost.

    def __enter__(self) -> None:
        self.lock.acquire()
        if threading.get_ident() == self.main:
            self.guarded += 1

    def __exit__(self, *_: object) -> None:
        guarded = False
        if threading.get_ident() == self.main:
            self.guarded -= 1
            guarded = self.guarded == 0
        self.lock.release()
        if guarded and self.interrupted:
            self.interrupted = False
            if self.executing:
                raise Interrupt(self)

    def on_interrupt(self, _signal: int, _frame: Optional[FrameType]) -> None:
        if not self.executing or os.getpid() != self.process:
            if os.getpid() != self.process:
                raise KeyboardInterrupt
            return
        if self.guarded:
            self.interrupted = True
            return
        raise Interrupt(self)

    def interrupt_again(self) -> None:
        execution = self.execution
        sleep(AGAIN)
        if self.executing and self.execution == execution:
            signal.pthread_kill(self.main, signal.SIGINT)

    def timestamp(self) -> str:
        now = time()
        second = int(now)
        if second != self.second:
            self.second = second
            self.prefix = strftime("%Y-%m-%dT%H:%M:%S", gmtime(second))
        return "%s.%06dZ" % (self.prefix, (now - second) * 1e6)

    def begin(self) -> None:
        with self:
            self.drain()
            self.executing = True
            self.execution += 1
            self.interrupted = False
            late, self.late, self.late_size = self.late, [], 0
            for name, text in late:
                self._text(name, text)

    def end(self, following: int) -> None:
        """Ends the execution, and says the number of the one that follows.

        Whatever is written to the pipes afterwards waits for that one.
        """
        with self:
            self.drain()
            for name, decode in self.pipes.values():
                rest = decode.decode(b"", True)
                if rest:
                    self._text(name, rest)
            self.executing = False
            self._write(frame(END, b"%d" % following))
            self._flush()

    def drain(self) -> bool:
        """Moves what is in the pipes now to the agent; returns whether one was full.

        What Python wrote to standard error is older than what waits on standard output: `settle` sees to that. For what
        other programs wrote to both, the order is unknown; errors usually come last.
        """
        if os.getpid() != self.process:
            return False
        with self:
            ready = self.poller.poll(0)
            if not ready:
                return False
            full = False
            texts = {}
            for descriptor, event in ready:
                if not event & select.POLLIN:
                    self.poller.unregister(descriptor)
                    continue
                name, decode = self.pipes[descriptor]
                data = os.read(descriptor, READ_SIZE)
                full = full or len(data) == READ_SIZE
                texts[name] = decode.decode(data)
            order = ("stderr", "stdout") if self.owed else ("stdout", "stderr")
            self.owed = False
            for name in order:
                if texts.get(name):
                    self._text(name, texts[name])
            if self.executing:
                self._flush()
            return full

    def settle(self) -> None:
        """Before a write to standard error: sends what waits on standard output first."""
        with self:
            if self.output.poll(0):
                self.drain()
            self.owed = True

    def _text(self, name: str, text: str) -> None:
        if self.executing:
            line = '{"type":"%s","text":%s,"timestamp":"%s"}\n' % (name, quote(text), self.timestamp())
            self._write(frame(OUTPUT, line.encode("ascii")))
        elif self.late_size < LATE_LIMIT:
            text = text[: LATE_LIMIT - self.late_size]
            self.late.append((name, text))
            self.late_size += len(text)

    def line(self, kind: int, text: str, flush: bool = True) -> None:
        """Sends one line of the protocol, after everything that was written before it."""
        if os.getpid() != self.process:
            return
        data = text.encode("ascii")
        if len(data) > READ_SIZE:
            self._large(kind, data)
            return
        with self:
            self.drain()
            self._write(frame(kind, data))
            if flush:
                self._flush()

    def _large(self, kind: int, data: bytes) -> None:
        """Sends a long line in pieces, from a thread: signal handlers run in the main one and might raise half-way."""

        def send() -> None:
            with self:
                self.drain()
                view = memoryview(data)
                for start in range(0, len(view), READ_SIZE):
                    self._write(frame(kind, view[start : start + READ_SIZE].tobytes()))
                    self._flush()

        sender = threading.Thread(target=send, daemon=True)
        sender.start()
        sender.join()

    def ready(self, problem: str = "") -> None:
        with self:
            self._write(frame(READY, problem.encode("utf-8", "replace")))
            self._flush()

    def _write(self, data: bytes) -> None:
        try:
            self.writer.write(data)
        except RuntimeError:
            # A signal handler of the user's prints while the code that it interrupted was printing; the line is lost.
            pass

    def _flush(self) -> None:
        try:
            self.writer.flush()
        except RuntimeError:
            pass
        except OSError:
            # The agent closed the connection: this context is over.
            os._exit(0)

    def watch(self) -> None:
        """Moves output while the main thread is busy elsewhere."""

        def run() -> None:
            waiting = select.poll()
            for descriptor in self.pipes:
                waiting.register(descriptor, select.POLLIN)
            full = False
            moved = 0.0
            while True:
                for descriptor, event in waiting.poll():
                    if not event & select.POLLIN:
                        # User code closed the other end.
                        waiting.unregister(descriptor)
                # A short cell ends in the meantime, and its output is sent along with its end.
                if not full:
                    sleep(COALESCE if monotonic() - moved > COALESCE_MORE else COALESCE_MORE)
                full = self.drain()
                moved = monotonic()

        threading.Thread(target=run, name="emberbox-output", daemon=True).start()

    def forked(self) -> None:
        """In a forked child of user code: its output goes through the pipes, which its parent reads."""
        self.lock = threading.RLock()
        self.guarded = 0
        self.executing = False
        try:
            os.close(self.connection)
        except OSError:
            pass


class ErrorStream(io.TextIOWrapper):
    """`sys.stderr`, kept in order with `sys.stdout`."""

    channel: Optional[Channel] = None

    def write(self, text: str) -> int:
        if self.channel is not None:
            self.channel.settle()
        return super().write(text)


class Streams:
    """Descriptors 1 and 2 and Python's streams on them: unbuffered, so no output is lost when the process dies."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.copies = {number: fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, 20) for number in (1, 2)}
        self.open()

    def open(self) -> None:
        self.out = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), "utf-8", "backslashreplace", write_through=True)
        self.err = ErrorStream(io.FileIO(2, "w", closefd=False), "utf-8", "backslashreplace", write_through=True)
        self.err.channel = self.channel
        for stream in (self.out, self.err):
            setattr(stream, "mode", "w")
        for name, stream in (("stdout", self.out), ("stderr", self.err)):
            setattr(sys, name, stream)
            setattr(sys, "__%s__" % name, stream)

    def heal(self) -> None:
        """Before a cell: restores the streams that an earlier one closed or removed."""
        out, err = getattr(sys, "stdout", None), getattr(sys, "stderr", None)
        if out is self.out and err is self.err and not is_closed(out) and not is_closed(err):
            try:
                os.fstat(1)
                os.fstat(2)
                return
            except OSError:
                pass
        for number, copy in self.copies.items():
            try:
                os.fstat(number)
            except OSError:
                os.dup2(copy, number)
        if is_closed(out) or is_closed(err):
            self.open()


def is_closed(stream: Any) -> bool:
    """Whether it cannot be printed to; a stream whose buffer was detached raises even on being asked."""
    try:
        return not hasattr(stream, "write") or bool(getattr(stream, "closed", False))
    except Exception:
        return True
