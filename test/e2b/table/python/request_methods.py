"""Requests that E2B's SDKs have no method for, as E2B's documentation has them."""

import json
import urllib.error

from method import Context, ask, equal, method, rejects


@method("GET /templates")
def templates(_: Context) -> None:
    assert any("base" in template["aliases"] for template in ask("/templates"))


@method("GET /sandboxes/{id}/logs")
def logs(context: Context) -> None:
    context.sandbox.commands.run("echo in the log")
    lines = [json.loads(log["line"]) for log in ask(f"/sandboxes/{context.sandbox.sandbox_id}/logs")["logs"]]
    equal((lines[0]["logger"], lines[0]["message"]), ("system", "created"))
    assert any((line["logger"], line["message"]) == ("process", "in the log") for line in lines)


@method("GET /sandboxes/{id}/metrics")
def metrics(context: Context) -> None:
    last = ask(f"/sandboxes/{context.sandbox.sandbox_id}/metrics")[-1]
    assert last["memTotal"] > 0 and last["timestampUnix"] > 0


@method("GET /events/sandboxes")
def events(context: Context) -> None:
    [first, *_] = ask(f"/events/sandboxes/{context.sandbox.sandbox_id}?orderAsc=true")
    equal(first["type"], "sandbox.lifecycle.created")


@method("POST /events/webhooks")
def webhooks(_: Context) -> None:
    webhook = {
        **{"name": "from Python", "signatureSecret": "secret", "url": "http://8.8.8.8/"},
        "events": ["sandbox.lifecycle.killed"],
    }
    # That address is nobody's, and so not public.
    beyond = {**webhook, "url": "http://192.0.2.1/"}
    error = rejects(urllib.error.HTTPError, lambda: ask("/events/webhooks", "POST", beyond))
    equal(getattr(error, "code"), 400)
    made = ask("/events/webhooks", "POST", webhook)
    path = f"/events/webhooks/{made['id']}"
    equal(ask(path)["name"], "from Python")
    equal(ask(path, "PATCH", {"enabled": False})["enabled"], False)
    ask(path, "DELETE")


@method("GET /teams")
def teams(_: Context) -> None:
    [team] = ask("/teams")
    assert ask(f"/teams/{team['teamID']}/metrics")[-1]["concurrentSandboxes"] > 0


@method("GET /health inside")
def health(context: Context) -> None:
    ports = " && ".join(f"curl -sf http://localhost:{port}/health" for port in (49983, 49999))
    equal(context.sandbox.commands.run(ports).stdout, '"OK"')


@method("PATCH /v2/templates/{id}")
def publish(_: Context) -> None:
    equal(ask("/v2/templates/base", "PATCH", {"public": True}), {"names": ["default"]})


@method("GET /templates/{id}")
def template(_: Context) -> None:
    equal(ask("/templates/base")["builds"], [])
