import json
import os
import signal
import socket
import subprocess
import sys
import threading

import emberbox_channel
import pytest
from emberbox_channel import END, ERROR, HEADER, OUTPUT, READ_SIZE, READY, Channel, frame


class Ends:
    """A channel, with the ends that the agent and the user's code have."""

    def __init__(self):
        self.agent, self.kernel = socket.socketpair()
        self.pipes = {name: os.pipe() for name in ("stdout", "stderr")}
        self.channel = Channel(self.kernel.fileno(), {name: read for name, (read, _) in self.pipes.items()})
        self.received = b""

    def print(self, name, data):
        os.write(self.pipes[name][1], data)

    def frames(self):
        """What has arrived so far: kinds and payloads."""
        self.agent.setblocking(False)
        try:
            while True:
                self.received += self.agent.recv(1 << 20)
        except BlockingIOError:
            pass
        frames = []
        while len(self.received) >= HEADER.size:
            length, kind = HEADER.unpack_from(self.received)
            end = HEADER.size + length
            if len(self.received) < end:
                break
            frames.append((kind, self.received[HEADER.size : end]))
            self.received = self.received[end:]
        return frames

    def lines(self):
        """The lines of output, and the numbers of other frames."""
        return [
            json.loads(payload) if kind == OUTPUT and payload.endswith(b"\n") else kind
            for kind, payload in self.frames()
        ]

    def texts(self):
        return [(line["type"], line["text"]) for line in self.lines() if isinstance(line, dict) and "text" in line]


@pytest.fixture
def ends():
    ends = Ends()
    yield ends
    ends.agent.close()
    ends.kernel.close()
    for pair in ends.pipes.values():
        for descriptor in pair:
            os.close(descriptor)


def test_a_frame_is_its_length_its_kind_and_its_payload():
    assert frame(END) == b"\0\0\0\0\3"
    assert frame(READY, b"ab") == b"\0\0\0\2\4ab"


def test_an_execution_is_its_output_and_its_end_which_says_the_next_number(ends):
    ends.channel.begin()
    assert ends.lines() == []
    ends.print("stdout", 'é"\n'.encode())
    ends.channel.end(8)
    (_, line), end = ends.frames()
    text = json.loads(line)
    assert (text["type"], text["text"], end) == ("stdout", 'é"\n', (END, b"8"))
    assert text["timestamp"].endswith("Z") and len(text["timestamp"]) == len("2024-01-01T00:00:00.000000Z")


def test_a_character_cut_in_two_is_put_together(ends):
    ends.channel.begin()
    euro = "€".encode()
    ends.print("stdout", euro[:1])
    ends.channel.drain()
    ends.print("stdout", euro[1:])
    ends.channel.end(2)
    assert ends.texts() == [("stdout", "€")]


def test_the_rest_of_a_character_that_never_came_is_shown_at_the_end(ends):
    ends.channel.begin()
    ends.print("stderr", "€".encode()[:2])
    ends.channel.end(2)
    assert ends.texts() == [("stderr", "�")]


def test_errors_usually_come_last(ends):
    ends.channel.begin()
    ends.print("stderr", b"error")
    ends.print("stdout", b"output")
    ends.channel.end(2)
    assert ends.texts() == [("stdout", "output"), ("stderr", "error")]


def test_what_python_writes_to_both_streams_keeps_its_order(ends):
    ends.channel.begin()
    ends.print("stdout", b"1")
    ends.channel.settle()
    ends.print("stderr", b"2")
    ends.print("stdout", b"3")
    ends.channel.end(2)
    assert ends.texts() == [("stdout", "1"), ("stderr", "2"), ("stdout", "3")]


def test_what_is_printed_between_executions_comes_with_the_next(ends):
    ends.print("stdout", b"late")
    ends.channel.drain()
    assert ends.frames() == []
    ends.channel.begin()
    ends.channel.end(2)
    assert ends.texts() == [("stdout", "late")]
    ends.channel.begin()
    ends.channel.end(2)
    assert ends.texts() == []


def test_of_that_only_the_beginning_is_kept(ends, monkeypatch):
    monkeypatch.setattr(emberbox_channel, "LATE_LIMIT", 5)
    for _ in range(3):
        ends.print("stdout", b"abc")
        ends.channel.drain()
    ends.channel.begin()
    ends.channel.end(2)
    assert "".join(text for _, text in ends.texts()) == "abcab"


def test_a_full_pipe_is_said_to_be(ends):
    ends.channel.begin()
    ends.print("stdout", b"x" * READ_SIZE)
    assert ends.channel.drain() is True
    assert ends.channel.drain() is False


def test_a_line_comes_after_what_was_printed_before_it(ends):
    ends.channel.begin()
    ends.print("stdout", b"before")
    ends.channel.line(ERROR, "{}\n")
    text, error = ends.lines()
    assert (text["text"], error) == ("before", ERROR)
    ends.channel.end(2)


def test_a_long_line_comes_in_pieces(ends):
    text = "x" * (2 * READ_SIZE) + "y\n"
    ends.channel.line(OUTPUT, text)
    frames = ends.frames()
    assert [kind for kind, _ in frames] == [OUTPUT] * 3
    assert b"".join(payload for _, payload in frames).decode() == text


def test_output_moves_while_the_main_thread_is_busy(ends):
    ends.channel.watch()
    ends.channel.begin()
    ends.agent.settimeout(60)
    ends.print("stdout", b"x")
    received = b""
    while b'"text":"x"' not in received:
        received += ends.agent.recv(4096)
    ends.channel.end(2)


def test_an_interrupt_is_raised_in_an_execution_only(ends):
    ends.channel.on_interrupt(signal.SIGINT, None)
    ends.channel.begin()
    with pytest.raises(KeyboardInterrupt) as raised:
        ends.channel.on_interrupt(signal.SIGINT, None)
    assert type(raised.value).__name__ == "KeyboardInterrupt"
    ends.channel.end(2)
    ends.channel.on_interrupt(signal.SIGINT, None)


def test_an_interrupt_waits_until_output_was_moved(ends):
    ends.channel.begin()
    moved = []
    with pytest.raises(KeyboardInterrupt):
        with ends.channel:
            ends.channel.on_interrupt(signal.SIGINT, None)
            with ends.channel:
                moved.append("inner")
            moved.append("outer")
    assert moved == ["inner", "outer"]
    ends.channel.end(2)


def test_an_interrupt_that_came_as_the_execution_ended_is_forgotten(ends):
    ends.channel.begin()
    with ends.channel:
        ends.channel.on_interrupt(signal.SIGINT, None)
        ends.channel.executing = False
    ends.channel.begin()
    ends.channel.end(2)


def test_threads_do_not_mix_their_lines(ends):
    ends.channel.begin()
    lines = ['{"text":"%d"}\n' % number + " " * 1000 for number in range(8)]

    def send(line):
        for _ in range(20):
            ends.channel.line(ERROR, line)

    threads = [threading.Thread(target=send, args=(line,)) for line in lines]
    reader = threading.Thread(target=lambda: frames.extend(read_all(ends)))
    frames: list = []
    reader.start()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ends.channel.end(2)
    reader.join()
    payloads = [payload.decode() for kind, payload in frames if kind == ERROR]
    assert sorted(payloads) == sorted(lines * 20)


def read_all(ends):
    """Frames until the end of the execution."""
    data = b""
    while True:
        data += ends.agent.recv(1 << 16)
        frames, rest = [], data
        while len(rest) >= HEADER.size:
            length, kind = HEADER.unpack_from(rest)
            if len(rest) < HEADER.size + length:
                break
            frames.append((kind, rest[HEADER.size : HEADER.size + length]))
            rest = rest[HEADER.size + length :]
        if frames and frames[-1][0] == END:
            return frames


HERE = os.path.dirname(os.path.abspath(emberbox_channel.__file__))


def run(code):
    """Runs code in a process of its own, whose streams it may change; returns its exit code and what the agent got."""
    agent, kernel = socket.socketpair()
    program = f"""
import os, sys
sys.path.insert(0, {HERE!r})
from emberbox_channel import *
pipes = {{"stdout": os.pipe(), "stderr": os.pipe()}}
for number, name in ((1, "stdout"), (2, "stderr")):
    os.dup2(pipes[name][1], number)
channel = Channel({kernel.fileno()}, {{name: read for name, (read, _) in pipes.items()}})
streams = Streams(channel)
channel.begin()
{code}
channel.end(2)
"""
    process = subprocess.run([sys.executable, "-B", "-c", program], pass_fds=[kernel.fileno()], timeout=300)
    kernel.close()
    received = b""
    with agent:
        while data := agent.recv(1 << 16):
            received += data
    return process.returncode, received.decode("latin1")


def test_print_reaches_the_agent_by_either_stream():
    code, received = run("print('one', end=''); print('two', end='', file=sys.stderr); print('three', end='')")
    assert code == 0
    assert received.index('"one"') < received.index('"two"') < received.index('"three"')


@pytest.mark.parametrize(
    "harm",
    [
        "sys.stdout.close()",
        "sys.stdout = None",
        "os.close(1); os.close(2)",
        "sys.stderr.detach()",
        "sys.stdout.detach()",
        "del sys.stdout, sys.stderr",
        "class Odd:\n    write = property(lambda self: 1 / 0)\nsys.stdout = Odd()",
    ],
)
def test_what_an_execution_did_to_the_streams_is_healed(harm):
    code, received = run(f"{harm}\nstreams.heal()\nprint('out', end='')\nprint('err', end='', file=sys.stderr)")
    assert code == 0
    assert '"out"' in received and '"err"' in received


def test_a_stream_that_an_execution_put_in_place_stays():
    code, received = run(
        "import io\nsys.stdout = io.StringIO()\nstreams.heal()\nprint('kept')\nassert sys.stdout.getvalue()"
    )
    assert code == 0 and "kept" not in received


def test_without_an_agent_the_context_ends():
    code, _ = run(
        "import socket\n"
        "socket.socket(fileno=channel.connection).shutdown(socket.SHUT_RDWR)\n"
        "print('x')\nchannel.end(2)\nos._exit(9)"
    )
    assert code == 0


def test_a_child_does_not_speak_to_the_agent():
    code, received = run(
        "os.register_at_fork(after_in_child=channel.forked)\n"
        "if os.fork() == 0:\n    print('child', end='')\n    channel.line(ERROR, 'never')\n    os._exit(0)\n"
        "os.wait()"
    )
    assert code == 0 and '"child"' in received and "never" not in received
