import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { type Method, method } from "./method.ts";

const WEB = "python3 -m http.server 8123 --bind 127.0.0.1";

/** Making, finding, changing and ending sandboxes. */
export const sandboxMethods: readonly Method[] = [
  method("Sandbox.create", async ({ own }) => {
    const sandbox = await own({ envs: { A: "1" }, metadata: { made: "here" } });
    assert.equal((await sandbox.commands.run("echo $A")).stdout, "1\n");
    assert.deepEqual((await sandbox.getInfo()).metadata, { made: "here" });
  }),
  method("Sandbox.connect", async ({ sdk, sandbox, options }) => {
    const again = await sdk.Sandbox.connect(sandbox.sandboxId, options);
    assert.equal((await again.runCode("1 + 1")).text, "2");
    await assert.rejects(sdk.Sandbox.connect("inone", options), sdk.SandboxNotFoundError);
  }),
  method("Sandbox.list", async ({ sdk, own, options }) => {
    const metadata = { listed: `${Math.random()}` };
    const { sandboxId } = await own({ metadata });
    const paginator = sdk.Sandbox.list({ ...options, query: { metadata, state: ["running"] } });
    assert.deepEqual(
      (await paginator.nextItems()).map((info) => info.sandboxId),
      [sandboxId],
    );
    assert.equal(paginator.hasNext, false);
  }),
  method("Sandbox.kill", async ({ sdk, own, options }) => {
    const { sandboxId } = await own();
    assert.equal(await sdk.Sandbox.kill(sandboxId, options), true);
    assert.equal(await sdk.Sandbox.kill(sandboxId, options), false);
  }),
  method("Sandbox.getInfo", async ({ sdk, sandbox, options }) => {
    const info = await sdk.Sandbox.getInfo(sandbox.sandboxId, options);
    assert.equal(info.state, "running");
    assert(info.endAt > info.startedAt);
    await assert.rejects(sdk.Sandbox.getInfo("inone", options), sdk.SandboxNotFoundError);
  }),
  method("Sandbox.getFullInfo", async ({ sdk, sandbox, options }) => {
    const info = await sdk.Sandbox.getFullInfo(sandbox.sandboxId, options);
    assert.equal(info.sandboxId, sandbox.sandboxId);
  }),
  method("Sandbox.getMetrics", async ({ sdk, sandbox, options }) => {
    const [metrics] = await sdk.Sandbox.getMetrics(sandbox.sandboxId, options);
    assert(metrics!.memTotal > metrics!.memUsed && metrics!.memUsed > 0);
    assert.deepEqual(
      await sdk.Sandbox.getMetrics(sandbox.sandboxId, { ...options, end: new Date(0) }),
      [],
    );
  }),
  method("Sandbox.setTimeout", async ({ sdk, own, options }) => {
    const { sandboxId } = await own();
    await sdk.Sandbox.setTimeout(sandboxId, 900_000, options);
    const { endAt } = await sdk.Sandbox.getInfo(sandboxId, options);
    assert(endAt.getTime() > Date.now() + 890_000);
    await assert.rejects(sdk.Sandbox.setTimeout("inone", 1000, options), sdk.SandboxNotFoundError);
  }),
  method(
    "Sandbox.updateNetwork",
    async ({ sdk, own, options }) => {
      const sandbox = await own();
      await sdk.Sandbox.updateNetwork(sandbox.sandboxId, { denyOut: ["0.0.0.0/0"] }, options);
      assert.deepEqual((await sandbox.getInfo()).network?.denyOut, ["0.0.0.0/0"]);
    },
    { needs: "updateNetwork" },
  ),
  method(
    "Sandbox.pause",
    async ({ sdk, own, options }) => {
      const sandbox = await own();
      await sandbox.runCode("kept = 7");
      assert.equal(await sdk.Sandbox.pause(sandbox.sandboxId, options), true);
      assert.equal(await sdk.Sandbox.pause(sandbox.sandboxId, options), false);
      assert.equal((await sandbox.getInfo()).state, "paused");
      assert.equal(await sandbox.isRunning(), false);
      const again = await sdk.Sandbox.connect(sandbox.sandboxId, options);
      assert.equal((await again.runCode("kept")).text, "7");
    },
    { needs: "pause" },
  ),
  method(
    "Sandbox.betaPause",
    async ({ sdk, own, options }) => {
      assert.equal(await sdk.Sandbox.betaPause((await own()).sandboxId, options), true);
    },
    { needs: "pause" },
  ),
  method(
    "Sandbox.fork",
    async ({ sdk, own, options }) => {
      const sandbox = await own();
      await sandbox.runCode("kept = 7");
      const forks = await sdk.Sandbox.fork(sandbox.sandboxId, { ...options, count: 2 });
      for (const fork of forks) {
        if (fork instanceof Error) throw fork;
        assert.equal(
          (await sdk.Sandbox.connect(fork.sandboxId, options)).sandboxId,
          fork.sandboxId,
        );
        const code = await sdk.Sandbox.connect(fork.sandboxId, options);
        assert.equal((await code.runCode("kept")).text, "7");
        await fork.kill();
      }
      assert.equal(forks.length, 2);
      assert.equal((await sandbox.runCode("kept")).text, "7");
    },
    { needs: "fork" },
  ),
  method(
    "Sandbox.createSnapshot",
    async ({ sdk, own, options }) => {
      const sandbox = await own();
      await sandbox.files.write("kept.txt", "in the snapshot");
      const { snapshotId } = await sdk.Sandbox.createSnapshot(sandbox.sandboxId, options);
      const made = await sdk.Sandbox.create(snapshotId, options);
      assert.equal(await made.files.read("kept.txt"), "in the snapshot");
      await made.kill();
      assert.equal(await sdk.Sandbox.deleteSnapshot(snapshotId, options), true);
    },
    { needs: "snapshots" },
  ),
  method(
    "Sandbox.listSnapshots",
    async ({ sdk, own, options }) => {
      const { sandboxId } = await own();
      const { snapshotId } = await sdk.Sandbox.createSnapshot(sandboxId, options);
      const listed = await sdk.Sandbox.listSnapshots({ ...options, sandboxId }).nextItems();
      assert.deepEqual(
        listed.map((snapshot) => snapshot.snapshotId),
        [snapshotId],
      );
      await sdk.Sandbox.deleteSnapshot(snapshotId, options);
    },
    { needs: "snapshots" },
  ),
  method(
    "Sandbox.deleteSnapshot",
    async ({ sdk, options }) => {
      assert.equal(await sdk.Sandbox.deleteSnapshot("no-such:default", options), false);
    },
    { needs: "snapshots" },
  ),

  method("sandbox.connect", async ({ sandbox }) => {
    assert.equal((await sandbox.connect()).sandboxId, sandbox.sandboxId);
  }),
  method("sandbox.getInfo", async ({ sandbox }) => {
    assert.equal((await sandbox.getInfo()).sandboxId, sandbox.sandboxId);
  }),
  method("sandbox.getMetrics", async ({ sandbox }) => {
    const start = new Date();
    const [metrics] = await sandbox.getMetrics({ end: start });
    assert(metrics === undefined || metrics.timestamp <= start);
    assert((await sandbox.getMetrics()).length > 0);
  }),
  method("sandbox.isRunning", async ({ own }) => {
    const sandbox = await own();
    assert.equal(await sandbox.isRunning(), true);
    await sandbox.kill();
    assert.equal(await sandbox.isRunning(), false);
  }),
  method("sandbox.setTimeout", async ({ own }) => {
    const sandbox = await own();
    await sandbox.setTimeout(1000);
    await delay(2500);
    assert.equal(await sandbox.isRunning(), false);
  }),
  method("sandbox.kill", async ({ own }) => {
    const sandbox = await own();
    assert.equal(await sandbox.kill(), true);
    await assert.rejects(sandbox.commands.run("true"));
  }),
  method("sandbox.getHost", async ({ sandbox, options }) => {
    const server = await sandbox.commands.run(WEB, { background: true });
    const host = sandbox.getHost(8123);
    assert.match(host, new RegExp(`^8123-${sandbox.sandboxId}\\.`));
    // The host is in a header, since not every system finds names under localhost.
    const page = (): Promise<Response> =>
      fetch(options.apiUrl, {
        headers: { "e2b-sandbox-id": sandbox.sandboxId, "e2b-sandbox-port": "8123" },
      });
    for (let tries = 0; (await page()).status !== 200; tries++) {
      assert(tries < 100, "the server in the sandbox does not answer");
      await delay(100);
    }
    await server.kill();
  }),
  method("sandbox.downloadUrl", async ({ sandbox, directory }) => {
    await sandbox.files.write(`${directory}/a b.txt`, "signed");
    const url = await sandbox.downloadUrl(`${directory}/a b.txt`, { useSignatureExpiration: 60 });
    assert.equal(await (await fetch(url)).text(), "signed");
    assert.equal((await fetch(url.replace("a+b", "c"))).status, 401);
  }),
  method("sandbox.uploadUrl", async ({ sandbox, directory }) => {
    const form = new FormData();
    form.append("file", new Blob(["uploaded"]), "x");
    const url = await sandbox.uploadUrl(`${directory}/up.txt`);
    assert.equal((await fetch(url, { method: "POST", body: form })).status, 200);
    assert.equal(await sandbox.files.read(`${directory}/up.txt`), "uploaded");
  }),
  method(
    "sandbox.pause",
    async ({ own }) => {
      const sandbox = await own();
      assert.equal(await sandbox.pause(), true);
      await sandbox.connect();
      assert.equal(await sandbox.isRunning(), true);
    },
    { needs: "pause" },
  ),
  method(
    "sandbox.betaPause",
    async ({ own }) => {
      assert.equal(await (await own()).betaPause(), true);
    },
    { needs: "pause" },
  ),
  method(
    "sandbox.fork",
    async ({ own }) => {
      const [fork] = await (await own()).fork();
      if (fork instanceof Error) throw fork;
      assert.equal((await fork!.commands.run("echo forked")).stdout, "forked\n");
      await fork!.kill();
    },
    { needs: "fork" },
  ),
  method(
    "sandbox.createSnapshot",
    async ({ sdk, own, options }) => {
      const name = `made-${Math.random().toString(36).slice(2)}`;
      const { snapshotId, names } = await (await own()).createSnapshot({ name });
      assert(names.some((each) => each.includes(name)));
      assert.equal(await sdk.Sandbox.deleteSnapshot(snapshotId, options), true);
    },
    { needs: "snapshots" },
  ),
  method(
    "sandbox.listSnapshots",
    async ({ own }) => {
      assert.deepEqual(await (await own()).listSnapshots().nextItems(), []);
    },
    { needs: "snapshots" },
  ),
  method(
    "sandbox.updateNetwork",
    async ({ sdk, own }) => {
      const sandbox = await own();
      await sandbox.updateNetwork({ allowInternetAccess: false });
      for (const command of ["curl -sI https://example.com", "curl -s https://example.com"])
        await assert.rejects(sandbox.commands.run(command), sdk.CommandExitError);
    },
    { needs: "updateNetwork" },
  ),
  method("sandbox.getMcpUrl", async ({ sandbox }) => {
    assert.match(sandbox.getMcpUrl(), new RegExp(`^https://50005-${sandbox.sandboxId}\\..*/mcp$`));
  }),
  method("sandbox.getMcpToken", async ({ sandbox }) => {
    // The gateway writes it, where one was asked for.
    await sandbox.commands.run(
      "sudo mkdir -p /etc/mcp-gateway && echo -n token | sudo tee /etc/mcp-gateway/.token",
    );
    assert.equal(await sandbox.getMcpToken(), "token");
  }),
];
