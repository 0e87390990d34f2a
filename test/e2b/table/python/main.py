"""Calls the methods of E2B's Python SDK on the server that the environment names. Prints a line of JSON for each."""

import importlib
import json
import os
import re
import sys
from collections.abc import Iterator

from exported import E2B, AsyncSandbox, AsyncTemplate, CommandHandle, Sandbox, Secret, Template, Volume
from method import Context, NotInSdk, methods

KINDS = ("sandbox", "code", "file", "process", "git", "other", "option", "request", "async")
CLASSES = {
    **{"Sandbox": Sandbox, "sandbox": Sandbox, "handle": CommandHandle},
    **{"Template": Template, "Volume": Volume, "volume": Volume, "Secret": Secret},
    **{"AsyncSandbox": AsyncSandbox, "AsyncTemplate": AsyncTemplate},
}
# What does without a server.
INNER = re.compile(r"Template\.(from_\w+|skip_cache)|Secret\.(fill|iam_token)")


def places(sandbox: Sandbox) -> dict[str, object]:
    """What has the SDK's methods, by the first part of their names."""
    parts = {name: getattr(sandbox, name) for name in ("files", "commands", "pty", "git")}
    return {**CLASSES, **parts, "E2B": E2B and E2B(api_key=os.environ["E2B_API_KEY"])}


def unknown(sandbox: Sandbox) -> Iterator[str]:
    """Public methods that nothing here calls."""
    known = {name.lower() for name in methods}
    for kind, place in places(sandbox).items():
        if kind in ("sandbox", "volume", "E2B") or kind.startswith("Async"):
            continue  # The class's own, or a sample.
        for name in dir(place):
            is_method = not name.startswith("_") and callable(getattr(place, name))
            full = f"{kind}.{name}"
            if is_method and full.lower() not in known and not INNER.fullmatch(full):
                yield full


def is_absent(sandbox: Sandbox, name: str) -> bool:
    kind, _, method = name.partition(".")
    there = places(sandbox)
    return kind in there and method.isidentifier() and not hasattr(there[kind], method)


def attempt(context: Context, names: list[str]) -> dict[str, str]:
    try:
        context.sandbox.files.make_dir(context.directory)
        methods[names[0]](context)
        return {"result": "works"}
    except NotInSdk:
        return {"result": "absent"}
    except Exception as error:
        is_unimplemented = re.search(r"\bunimplemented: ", str(error))
        result = "unimplemented" if is_unimplemented else "fails"
        return {"result": result, "error": f"{type(error).__name__}: {error}"}
    finally:
        for sandbox in context.made:
            sandbox.kill()


def report(name: str, outcome: dict[str, str]) -> None:
    print(json.dumps({"method": name, **outcome}), flush=True)


for kind in KINDS:
    importlib.import_module(f"{kind}_methods")
shared = Sandbox.create(timeout=3600)
try:
    for name in unknown(shared):
        report(name, {"result": "fails", "error": "nothing here calls it"})
    for number, run in enumerate(dict.fromkeys(methods.values())):
        names = [name for name, each in methods.items() if each is run]
        absent = [name for name in names if is_absent(shared, name)]
        for name in absent:
            report(name, {"result": "absent"})
        if there := [name for name in names if name not in absent]:
            outcome = attempt(Context(shared, f"/tmp/method-{number}"), there)
            for name in there:
                report(name, outcome)
finally:
    shared.kill()
# Without the interpreter's own end, in which native threads of newer SDKs sometimes abort.
sys.stdout.flush()
os._exit(0)
