"""Public methods of E2B's Python SDK, and for each what shows that it works."""

import json
import os
import time
import urllib.request
from collections.abc import Callable

from exported import Sandbox


class Context:
    """What a method gets: a sandbox that all share and leave as it was, a directory in it, and sandboxes of its own."""

    def __init__(self, sandbox: Sandbox, directory: str) -> None:
        self.sandbox = sandbox
        self.directory = directory
        self.made: list[Sandbox] = []

    def own(self, **options) -> Sandbox:
        """A sandbox that is killed after the method."""
        self.made.append(Sandbox.create(**options))
        return self.made[-1]


class NotInSdk(Exception):
    """The SDK does not have what the row is about."""


Run = Callable[[Context], None]
methods: dict[str, Run] = {}


def method(*names: str) -> Callable[[Run], Run]:
    """What follows calls the methods of these names."""

    def add(run: Run) -> Run:
        for name in names:
            assert name not in methods, name
            methods[name] = run
        return run

    return add


def equal(found, expected) -> None:
    assert found == expected, f"{found!r} is not {expected!r}"


def rejects(error: type[BaseException], call: Callable[[], object]) -> BaseException:
    """That error of the call, which must fail."""
    try:
        call()
    except error as caught:
        return caught
    raise AssertionError(f"there is no {error.__name__}")


def until(what: str, holds: Callable[[], bool]) -> None:
    for _ in range(100):
        if holds():
            return
        time.sleep(0.1)
    raise AssertionError(what)


def ask(path: str, method: str = "GET", body: object = None):
    """What the server answers to a request that the SDK has no method for."""
    request = urllib.request.Request(
        os.environ["E2B_API_URL"] + path,
        headers={"X-API-Key": os.environ["E2B_API_KEY"], "Content-Type": "application/json"},
        data=None if body is None else json.dumps(body).encode(),
        method=method,
    )
    with urllib.request.urlopen(request) as answer:
        text = answer.read()
    return json.loads(text) if text else None
