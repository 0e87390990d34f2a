"""Making, finding, changing and ending sandboxes."""

import datetime
import os
import time
import urllib.error
import urllib.request
import uuid

from exported import (
    E2B,
    CommandExitException,
    Sandbox,
    SandboxException,
    SandboxNotFoundException,
    SandboxQuery,
    SandboxState,
)
from method import Context, equal, method, rejects, until


@method("Sandbox.create")
def create(context: Context) -> None:
    sandbox = context.own(envs={"A": "1"}, metadata={"made": "here"})
    equal(sandbox.commands.run("echo $A").stdout, "1\n")
    equal(sandbox.get_info().metadata, {"made": "here"})
    with Sandbox.create() as ended:
        equal(ended.is_running(), True)
    equal(ended.is_running(), False)


@method("E2B.Sandbox")
def client(_: Context) -> None:
    client = E2B(api_key=os.environ["E2B_API_KEY"])
    with client.Sandbox.create() as sandbox:
        equal(sandbox.run_code("1 + 1").text, "2")


@method("Sandbox.beta_create")
def beta_create(_: Context) -> None:
    sandbox = Sandbox.beta_create(auto_pause=True, timeout=900)
    equal(sandbox.is_running(), True)
    sandbox.kill()


@method("Sandbox.connect")
def connect(context: Context) -> None:
    again = Sandbox.connect(context.sandbox.sandbox_id)
    equal(again.run_code("1 + 1").text, "2")
    equal(again.commands.run("echo again").stdout, "again\n")
    equal(again.files.exists(context.directory), True)
    rejects(SandboxNotFoundException, lambda: Sandbox.connect("inone"))


@method("Sandbox.list")
def list_(context: Context) -> None:
    metadata = {"listed": uuid.uuid4().hex}
    sandbox_id = context.own(metadata=metadata).sandbox_id
    paginator = Sandbox.list(query=SandboxQuery(metadata=metadata, state=[SandboxState.RUNNING]))
    equal([info.sandbox_id for info in paginator.next_items()], [sandbox_id])
    equal(paginator.has_next, False)


@method("Sandbox.kill")
def kill(context: Context) -> None:
    sandbox_id = context.own().sandbox_id
    equal(Sandbox.kill(sandbox_id), True)
    equal(Sandbox.kill(sandbox_id), False)


@method("Sandbox.get_info")
def get_info(context: Context) -> None:
    info = Sandbox.get_info(context.sandbox.sandbox_id)
    equal(info.state, SandboxState.RUNNING)
    assert info.end_at > info.started_at
    rejects(SandboxNotFoundException, lambda: Sandbox.get_info("inone"))


@method("Sandbox.get_metrics")
def get_metrics(context: Context) -> None:
    metrics = Sandbox.get_metrics(context.sandbox.sandbox_id)[-1]
    assert metrics.mem_total > metrics.mem_used > 0
    long_ago = datetime.datetime.fromtimestamp(1, datetime.timezone.utc)
    equal(Sandbox.get_metrics(context.sandbox.sandbox_id, end=long_ago), [])


@method("Sandbox.set_timeout")
def set_timeout(context: Context) -> None:
    sandbox_id = context.own().sandbox_id
    Sandbox.set_timeout(sandbox_id, 900)
    rest = Sandbox.get_info(sandbox_id).end_at - datetime.datetime.now(datetime.timezone.utc)
    assert rest.total_seconds() > 890
    rejects(SandboxNotFoundException, lambda: Sandbox.set_timeout("inone", 1))


@method("Sandbox.update_network")
def update_network(context: Context) -> None:
    sandbox = context.own()
    Sandbox.update_network(sandbox.sandbox_id, {"deny_out": ["0.0.0.0/0"]})
    network = sandbox.get_info().network
    assert network is not None
    equal(network["deny_out"], ["0.0.0.0/0"])


@method("Sandbox.pause", "Sandbox.beta_pause")
def pause(context: Context) -> None:
    sandbox = context.own()
    sandbox.run_code("kept = 7")
    # Older ones return an id, or nothing.
    assert Sandbox.pause(sandbox.sandbox_id) is not False
    assert Sandbox.pause(sandbox.sandbox_id) is not True
    equal(sandbox.get_info().state, SandboxState.PAUSED)
    equal(sandbox.is_running(), False)
    equal(Sandbox.connect(sandbox.sandbox_id).run_code("kept").text, "7")
    assert Sandbox.beta_pause(sandbox.sandbox_id) is not False
    equal(sandbox.get_info().state, SandboxState.PAUSED)


@method("Sandbox.fork")
def fork(context: Context) -> None:
    sandbox = context.own()
    sandbox.run_code("kept = 7")
    forks = Sandbox.fork(sandbox.sandbox_id, count=2)
    equal(len(forks), 2)
    for each in forks:
        assert isinstance(each, Sandbox), each
        equal(each.run_code("kept").text, "7")
        each.kill()
    equal(sandbox.run_code("kept").text, "7")


@method("Sandbox.create_snapshot")
def create_snapshot(context: Context) -> None:
    sandbox = context.own()
    sandbox.files.write("kept.txt", "in the snapshot")
    snapshot_id = Sandbox.create_snapshot(sandbox.sandbox_id).snapshot_id
    equal(context.own(template=snapshot_id).files.read("kept.txt"), "in the snapshot")
    equal(Sandbox.delete_snapshot(snapshot_id), True)


@method("Sandbox.list_snapshots")
def list_snapshots(context: Context) -> None:
    sandbox_id = context.own().sandbox_id
    snapshot_id = Sandbox.create_snapshot(sandbox_id).snapshot_id
    listed = Sandbox.list_snapshots(sandbox_id=sandbox_id).next_items()
    equal([snapshot.snapshot_id for snapshot in listed], [snapshot_id])
    Sandbox.delete_snapshot(snapshot_id)


@method("Sandbox.delete_snapshot")
def delete_snapshot(_: Context) -> None:
    equal(Sandbox.delete_snapshot("no-such:default"), False)


@method("sandbox.connect")
def its_connect(context: Context) -> None:
    equal(context.sandbox.connect().sandbox_id, context.sandbox.sandbox_id)


@method("sandbox.get_info")
def its_info(context: Context) -> None:
    equal(context.sandbox.get_info().sandbox_id, context.sandbox.sandbox_id)


@method("sandbox.get_metrics")
def its_metrics(context: Context) -> None:
    assert context.sandbox.get_metrics()


@method("sandbox.is_running")
def is_running(context: Context) -> None:
    sandbox = context.own()
    equal(sandbox.is_running(), True)
    sandbox.kill()
    equal(sandbox.is_running(), False)


@method("sandbox.set_timeout")
def its_timeout(context: Context) -> None:
    sandbox = context.own()
    sandbox.set_timeout(1)
    until("it lives on", lambda: not sandbox.is_running())


@method("sandbox.kill")
def its_kill(context: Context) -> None:
    sandbox = context.own()
    equal(sandbox.kill(), True)
    rejects(SandboxException, lambda: sandbox.commands.run("true"))


def visit(sandbox: Sandbox, port: int) -> str:
    # The host is in a header, since not every system finds names under localhost.
    headers = {"E2b-Sandbox-Id": sandbox.sandbox_id, "E2b-Sandbox-Port": str(port)}
    request = urllib.request.Request(os.environ["E2B_API_URL"], headers=headers)
    for _ in range(100):
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as error:
            if error.code != 502:
                raise
            time.sleep(0.1)
    raise AssertionError("the server in the sandbox does not answer")


@method("sandbox.get_host")
def get_host(context: Context) -> None:
    sandbox = context.sandbox
    server = sandbox.commands.run("python3 -m http.server 8124 --bind 127.0.0.1", background=True)
    assert sandbox.get_host(8124).startswith(f"8124-{sandbox.sandbox_id}."), sandbox.get_host(8124)
    assert "Directory listing" in visit(sandbox, 8124)
    server.kill()


@method("sandbox.download_url")
def download_url(context: Context) -> None:
    path = f"{context.directory}/a b.txt"
    context.sandbox.files.write(path, "signed")
    url = context.sandbox.download_url(path, use_signature_expiration=60)
    with urllib.request.urlopen(url) as answer:
        equal(answer.read(), b"signed")
    other = url.replace("a+b", "c").replace("a%20b", "c")
    error = rejects(urllib.error.HTTPError, lambda: urllib.request.urlopen(other))
    equal(getattr(error, "code"), 401)


@method("sandbox.upload_url")
def upload_url(context: Context) -> None:
    path = f"{context.directory}/up.txt"
    head = '--limit\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
    request = urllib.request.Request(
        context.sandbox.upload_url(path),
        data=f"{head}uploaded\r\n--limit--\r\n".encode(),
        headers={"Content-Type": "multipart/form-data; boundary=limit"},
    )
    urllib.request.urlopen(request).close()
    equal(context.sandbox.files.read(path), "uploaded")


@method("sandbox.pause", "sandbox.beta_pause")
def its_pause(context: Context) -> None:
    sandbox = context.own()
    assert sandbox.pause() is not False
    equal(sandbox.is_running(), False)
    sandbox.connect()
    equal(sandbox.is_running(), True)
    assert sandbox.beta_pause() is not False
    equal(sandbox.is_running(), False)


@method("sandbox.fork")
def its_fork(context: Context) -> None:
    [forked] = context.own().fork()
    assert isinstance(forked, Sandbox), forked
    equal(forked.commands.run("echo forked").stdout, "forked\n")
    forked.kill()


@method("sandbox.create_snapshot")
def its_snapshot(context: Context) -> None:
    name = f"made-{uuid.uuid4().hex[:8]}"
    snapshot = context.own().create_snapshot(name=name)
    names = getattr(snapshot, "names", [name])
    assert any(name in each for each in names), names
    equal(Sandbox.delete_snapshot(snapshot.snapshot_id), True)


@method("sandbox.list_snapshots")
def its_snapshots(context: Context) -> None:
    equal(context.own().list_snapshots().next_items(), [])


@method("sandbox.update_network")
def its_network(context: Context) -> None:
    sandbox = context.own()
    sandbox.update_network({"allow_internet_access": False})
    rejects(CommandExitException, lambda: sandbox.commands.run("curl -sI https://example.com"))


@method("sandbox.get_mcp_url")
def get_mcp_url(context: Context) -> None:
    url = context.sandbox.get_mcp_url()
    assert url.startswith(f"https://50005-{context.sandbox.sandbox_id}."), url
    assert url.endswith("/mcp"), url


@method("sandbox.get_mcp_token")
def get_mcp_token(context: Context) -> None:
    write = "sudo mkdir -p /etc/mcp-gateway && echo -n token | sudo tee /etc/mcp-gateway/.token"
    sandbox = context.own()
    sandbox.commands.run(write)
    equal(sandbox.get_mcp_token(), "token")
