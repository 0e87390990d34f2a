import getpass
import json
import os
import subprocess
import sys

import pytest

ZYGOTE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "kernel", "zygote.py")


@pytest.fixture
def zygote(tmp_path):
    """A zygote that has imported nothing yet, and a way to send it requests."""
    command = [sys.executable, ZYGOTE, str(tmp_path / "socket"), getpass.getuser(), "later"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdin and process.stdout
    with process:
        assert json.loads(process.stdout.readline()) == {"ready": True}
        yield process
        process.stdin.close()
        assert process.wait(timeout=300) == 0


def ask(zygote, *requests):
    zygote.stdin.write(b"".join(json.dumps(request).encode() + b"\n" for request in requests))
    zygote.stdin.flush()
    return [json.loads(zygote.stdout.readline()) for _ in requests]


def test_what_fails_is_answered_and_the_next_request_too(zygote):
    first, second = ask(zygote, {"id": 1, "op": "nothing"}, {"id": 2, "op": "missing"})
    assert first["id"] == 1 and first["error"].startswith("AttributeError: ")
    assert second["id"] == 2 and "do_missing" in second["error"]


def test_a_request_may_come_in_pieces(zygote):
    data = json.dumps({"id": 3, "op": "nothing"}).encode() + b"\n"
    for index in range(len(data)):
        zygote.stdin.write(data[index : index + 1])
        zygote.stdin.flush()
    assert json.loads(zygote.stdout.readline())["id"] == 3


def test_it_ends_with_its_requests(zygote):
    assert zygote.poll() is None
