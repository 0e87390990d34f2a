"""A template with files of this machine and a server, which already runs in each of its sandboxes."""

import os
import tempfile
import urllib.request
from pathlib import Path

from e2b_code_interpreter import Sandbox, Template, default_build_logger, wait_for_port

NAME = "flower-shop"
ASK = "pwd; echo $SHOP; curl -s localhost:8000/stock.txt"

with tempfile.TemporaryDirectory() as directory:
    Path(directory, "stock.txt").write_text("tulips: 12\n", encoding="utf-8")
    template = (
        Template(file_context_path=directory)
        .from_base_image()
        .set_envs({"SHOP": "flowers"})
        .set_workdir("/home/user/shop")
        .copy("stock.txt", "stock.txt")
        .run_cmd("echo 'roses: 7' >> stock.txt")
        .set_start_cmd("python3 -m http.server 8000", wait_for_port(8000))
    )
    # Older SDKs ask for two processors unless told otherwise.
    Template.build(template, NAME, cpu_count=1, memory_mb=1024, on_build_logs=default_build_logger())
try:
    with Sandbox.create(NAME, timeout=300) as sandbox:
        answer = sandbox.commands.run(ASK).stdout.splitlines()
    print("in its sandbox:", answer)
    assert answer == ["/home/user/shop", "flowers", "tulips: 12", "roses: 7"]
finally:
    # The SDK has no method for it.
    request = urllib.request.Request(
        f"{os.environ['E2B_API_URL']}/templates/{NAME}",
        headers={"X-API-Key": os.environ["E2B_API_KEY"]},
        method="DELETE",
    )
    urllib.request.urlopen(request).close()
