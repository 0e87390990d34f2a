"""What options of sandboxes do that have no method of their own."""

import uuid

from exported import CommandExitException, Sandbox, SandboxException, Secret
from method import Context, NotInSdk, equal, method, rejects
from sandbox_methods import visit

TLS_SERVER = (
    "cd /tmp && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
    "-keyout key.pem -out cert.pem -subj /CN=inside -days 2 && "
    "openssl s_server -accept 8443 -key key.pem -cert cert.pem -www"
)


def within(context: Context, network: dict[str, object]) -> Sandbox:
    try:
        return context.own(network=network)
    except TypeError:  # So an older one says that it knows no such option.
        raise NotInSdk


@method("Sandbox.create({ mcp })")
def mcp(context: Context) -> None:
    sandbox = context.own(mcp={})

    def answer(token: str | None) -> str:
        ask = f"curl -s -o /dev/null -w '%{{http_code}}' -X DELETE -H 'Authorization: Bearer {token}'"
        return sandbox.commands.run(f"{ask} http://localhost:50005/mcp").stdout

    equal(answer("wrong"), "401")
    equal(answer(sandbox.get_mcp_token()), "400")


@method("Sandbox.create({ iam })")
def iam(context: Context) -> None:
    if not hasattr(Secret, "iam_token"):
        raise NotInSdk
    context.own(iam={"tokens": {"a": Secret.iam_token(audience="a", token_type="JWT-SVID")}})


@method("network.httpsPorts")
def https_ports(context: Context) -> None:
    sandbox = within(context, {"https_ports": [8443]})
    equal(sandbox.get_info().network["https_ports"], [8443])
    sandbox.commands.run(TLS_SERVER, background=True)
    assert "s_server" in visit(sandbox, 8443)


@method("network.egressProxy")
def egress_proxy(context: Context) -> None:
    def through(address: str) -> Sandbox:
        proxy = {"address": address, "username": "me", "password": "secret"}
        return within(context, {"egress_proxy": proxy})

    sandbox = through("8.8.8.8:1080")
    equal(sandbox.get_info().network["egress_proxy"], {"address": "8.8.8.8:1080", "username": "me"})
    # Nothing goes out by another way.
    curl = "curl -sIm 3 https://example.com"
    rejects(CommandExitException, lambda: sandbox.commands.run(curl))
    assert "ceiling" in str(rejects(SandboxException, lambda: through("10.0.0.1:1080")))


@method("rules with a secret")
def rules(context: Context) -> None:
    if Secret is None:
        raise NotInSdk
    secret = Secret.create(f"python-{uuid.uuid4().hex[:8]}", "the value")

    def ruled(name: str):
        rule = {"transform": {"headers": {"a": Secret.fill(name)}}}
        return context.own(network={"rules": {"a.example": [rule]}})

    try:
        ruled(secret.name)
        error = rejects(SandboxException, lambda: ruled("none"))
        assert "no secret 'none'" in str(error), error
    finally:
        Secret.destroy(secret.secret_id)
