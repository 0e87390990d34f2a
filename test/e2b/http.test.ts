import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serve, type ServedSandbox } from "./support/sandbox.ts";
import { call, envelope, stream, unary } from "./support/wire.ts";

let served: ServedSandbox;
beforeAll(async () => {
  served = await serve();
});
afterAll(() => served[Symbol.asyncDispose]());

const post = (body: RequestInit["body"], type?: string): RequestInit => ({
  method: "POST",
  body: body ?? null,
  ...(type !== undefined && { headers: { "Content-Type": type } }),
});
const octets = "application/octet-stream";

const run = (script: string, more: object = {}): unknown => ({
  process: { cmd: "/bin/bash", args: ["-c", script] },
  ...more,
});
const input = (text: string): unknown => ({
  data: { input: { stdin: Buffer.from(text).toString("base64") } },
});

describe("who may call", () => {
  const refusal = {
    code: 401,
    message:
      "unauthorized access, please provide a valid access token or method signing if supported",
  };

  test("anyone may ask for its health; all else demands the token", async () => {
    const door = await served.url(49983);
    expect((await fetch(`${door}/health`)).status).toBe(204);
    for (const path of [
      "/metrics",
      "/envs",
      "/files?path=/etc/hostname",
      "/process.Process/List",
    ]) {
      for (const token of [undefined, "", "wrong", `${served.accessToken}0`]) {
        const headers = token === undefined ? {} : { "X-Access-Token": token };
        const method = path.startsWith("/process") ? "POST" : "GET";
        const answer = await fetch(door + path, { method, headers });
        expect([path, token, answer.status, await answer.json()]).toEqual([
          path,
          token,
          401,
          refusal,
        ]);
      }
    }
    const headers = { "X-Access-Token": served.accessToken };
    expect((await fetch(`${door}/metrics`, { headers })).status).toBe(200);
  });

  test("the interpreter's port is as closed, to those who look for contexts too", async () => {
    const door = await served.url(49999);
    expect((await fetch(`${door}/health`)).status).toBe(200);
    const calls = [
      ["GET", "/contexts"],
      ["POST", "/contexts"],
      ["POST", "/execute"],
      ["DELETE", "/contexts/x"],
      ["POST", "/contexts/x/restart"],
    ] as const;
    for (const [method, path] of calls) {
      for (const headers of [{}, { "X-Access-Token": "wrong" }]) {
        const answer = await fetch(door + path, { method, headers });
        expect([path, answer.status, await answer.json()]).toEqual([path, 401, refusal]);
      }
    }
    const headers = { "X-Access-Token": served.accessToken };
    expect((await fetch(`${door}/contexts`, { headers })).status).toBe(200);
  });

  test("a signature is for one file and one operation, and the sandbox does not see it", async () => {
    const { ours } = served;
    await ours.files.write("/tmp/signed", "signed");
    const url = await ours.downloadUrl("/tmp/signed", { useSignatureExpiration: 60 });
    expect(await (await fetch(url)).text()).toBe("signed");
    for (const other of [
      url.replace("signed", "other"),
      url.replace("/files", "/process.Process/Start/../../files").replace("signed", "other"),
      url.replace(/signature_expiration=\d+/, "signature_expiration=99999999999"),
    ])
      expect((await fetch(other)).status, other).toBe(401);
    expect((await fetch(url, { method: "POST", body: "x" })).status).toBe(401);
    const up = await ours.uploadUrl("/tmp/signed");
    const octets = { "Content-Type": "application/octet-stream" };
    const sent = await fetch(up, { method: "POST", headers: octets, body: "replaced" });
    expect([sent.status, await ours.files.read("/tmp/signed")]).toEqual([200, "replaced"]);
  });

  test("nobody initialises it but through the machine's own channel", async () => {
    const body = JSON.stringify({ accessToken: "mine", envVars: { A: "1" } });
    expect((await call(served, "/init", post(body))).status).toBe(403);
    expect((await fetch(`${served.origin}/init`, post(body))).status).toBe(403);
    expect((await call(served, "/metrics")).status).toBe(200);
  });

  test("programs inside are told that it is there, and nothing more", async () => {
    const script = `ask() { curl -s -o /dev/null -w '%{http_code} ' -X $1 http://localhost:$2; }
for port in 49983 49999; do ask GET $port/health; done
for path in 49983/init 49983/files 49999/execute; do ask POST $path; done`;
    expect((await served.ours.commands.run(script)).stdout).toBe("204 200 401 401 401 ");
  });

  test("its metrics and variables are E2B's", async () => {
    const metrics = (await (await call(served, "/metrics")).json()) as Record<string, number>;
    for (const name of ["ts", "cpu_count", "mem_total", "mem_used", "disk_total", "disk_used"])
      expect(metrics[name], name).toBeGreaterThan(0);
    expect(Math.abs(metrics["ts"]! - Date.now() / 1000)).toBeLessThan(5);
    expect(metrics["cpu_used_pct"]).toBeGreaterThanOrEqual(0);
    expect(await (await call(served, "/envs")).json()).toMatchObject({
      E2B_SANDBOX: "true",
      E2B_SANDBOX_ID: served.sandboxId,
      E2B_TEMPLATE_ID: "default",
    });
  });

  test("there is nothing else", async () => {
    for (const path of ["/", "/freeze", "/upgrade", "/files/compose", "/nothing"])
      expect((await call(served, path, { method: "POST" })).status).toBe(404);
  });
});

describe("a download", () => {
  const path = "/files?path=/tmp/digits";
  beforeAll(async () => {
    await served.ours.files.write("/tmp/digits", "0123456789".repeat(100));
  });

  test("names the file, and says when it was changed", async () => {
    await served.ours.files.write("/tmp/it's (é)", "x");
    const { headers } = await call(served, `/files?path=${encodeURIComponent("/tmp/it's (é)")}`);
    expect(headers.get("content-disposition")).toBe(
      "inline; filename*=UTF-8''it%27s%20%28%C3%A9%29",
    );
    expect(headers.get("content-length")).toBe("1");
    expect(Math.abs(Date.parse(headers.get("last-modified")!) - Date.now())).toBeLessThan(60_000);
  });

  test("may be of a part, if the file is still the same", async () => {
    const get = async (headers: Record<string, string>): Promise<[number, string]> => {
      const answer = await call(served, path, { headers });
      return [answer.status, answer.status < 300 ? await answer.text() : ""];
    };
    const changed = (await call(served, path)).headers.get("last-modified")!;
    const range = "bytes=8-11";
    expect(await get({ Range: range })).toEqual([206, "8901"]);
    expect(await get({ Range: range, "If-Range": changed })).toEqual([206, "8901"]);
    const before = new Date(0).toUTCString();
    const [status, whole] = await get({ Range: range, "If-Range": before });
    expect([status, whole.length]).toEqual([200, 1000]);
    expect(await get({ Range: "bytes=5000-" })).toEqual([416, ""]);
    expect((await get({ "If-Modified-Since": changed }))[0]).toBe(304);
    expect((await get({ "If-Modified-Since": before }))[0]).toBe(200);
    expect((await get({ "If-Unmodified-Since": before }))[0]).toBe(412);
    expect((await get({ "If-None-Match": "*" }))[0]).toBe(304);
    expect((await get({ "If-Match": '"x"' }))[0]).toBe(412);
  });

  test("is compressed for who accepts nothing else", async () => {
    const { request } = await import("undici");
    const get = async (accepted: string): Promise<[number, string | undefined, number]> => {
      const headers = { "Accept-Encoding": accepted };
      const {
        statusCode,
        headers: answered,
        body,
      } = await request(served.origin + path, { headers });
      const bytes = Buffer.from(await body.arrayBuffer());
      const encoding = answered["content-encoding"] as string | undefined;
      return [statusCode, encoding, encoding ? gunzipSync(bytes).length : bytes.length];
    };
    expect(await get("gzip")).toEqual([200, "gzip", 1000]);
    expect(await get("identity;q=0, gzip;q=0.5")).toEqual([200, "gzip", 1000]);
    expect(await get("gzip, deflate, br")).toEqual([200, undefined, 1000]);
    expect((await get("br, identity;q=0"))[0]).toBe(406);
    expect((await get("*;q=0"))[0]).toBe(406);
  });

  test.each([
    ["/tmp", 400],
    ["/tmp/nowhere", 404],
    ["/tmp/digits/below", 404],
    [`/${"x".repeat(5000)}`, 400],
    ["/tmp/%00", 400],
    ["/dev/zero", 400],
  ])("of %s is refused with %i", async (given, status) => {
    const answer = await call(served, `/files?path=${given}`);
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({ code: status, message: expect.any(String) });
  });
});

describe("an upload", () => {
  test("of a form may hold several files, each at its own path", async () => {
    const form = new FormData();
    form.append("file", new Blob(["1"]), "/tmp/form/one");
    form.append("other", "ignored");
    form.append("file", new Blob(["22"]), "form-two");
    const answer = await call(served, "/files?username=root", post(form));
    expect(await answer.json()).toEqual([
      { path: "/tmp/form/one", name: "one", type: "file" },
      { path: "/root/form-two", name: "form-two", type: "file" },
    ]);
    expect(await served.ours.files.read("/root/form-two")).toBe("22");
  });

  test("to one path twice is refused, and leaves nothing", async () => {
    const form = new FormData();
    form.append("file", new Blob(["1"]), "/tmp/twice");
    form.append("file", new Blob(["2"]), "/tmp/twice");
    expect((await call(served, "/files", post(form))).status).toBe(400);
    expect(await served.ours.files.exists("/tmp/twice")).toBe(false);
  });

  test("has the permissions and owner of the user's own files", async () => {
    await call(served, "/files?path=/tmp/owned/new", post("x", octets));
    expect(await served.ours.files.getInfo("/tmp/owned")).toMatchObject({
      owner: "user",
      mode: 0o755,
    });
    expect(await served.ours.files.getInfo("/tmp/owned/new")).toMatchObject({
      owner: "user",
      mode: 0o644,
    });
  });

  test.each([
    ["/files", "x", octets],
    ["/files?path=/tmp/x", "x", "text/plain"],
    ["/files?path=/tmp/x", "x", "multipart/form-data"],
    ["/files?path=/tmp/x", "--a\r\n", "multipart/form-data; boundary=a"],
    ["/files?path=/tmp", "x", octets],
    ["/files?path=/dev/null", "x", octets],
  ])("to %s of %j as %s is refused", async (path, body, type) => {
    expect((await call(served, path, post(body, type))).status).toBe(400);
  });
});

describe("a process", () => {
  test("is known by its tag, also when it has ended", async () => {
    const running = stream(served, "process.Process/Start", [run("sleep 2; exit 7", { tag: "t" })]);
    const selector = { process: { tag: "t" } };
    await expect
      .poll(async () => JSON.stringify(await unary(served, "process.Process/List", {})))
      .toContain('"tag":"t"');
    const end = {
      event: {
        end: { exitCode: 7, exited: true, status: "exit status 7", error: "exit status 7" },
      },
    };
    expect((await stream(served, "process.Process/Connect", [selector])).slice(1)).toEqual([
      end,
      {},
    ]);
    expect((await running).slice(1)).toEqual([end, {}]);
    const [start, ended] = await stream(served, "process.Process/Connect", [selector]);
    expect([start, ended]).toEqual([{ event: { start: { pid: expect.any(Number) } } }, end]);
  });

  test("is fed by a stream of input", async () => {
    const running = stream(served, "process.Process/Start", [
      run("cat", { tag: "fed", stdin: true }),
    ]);
    const process = { tag: "fed" };
    await expect
      .poll(() =>
        stream(served, "process.Process/StreamInput", [
          { start: { process } },
          input("a"),
          { keepalive: {} },
          input("b"),
        ]),
      )
      .toEqual([{}, {}]);
    await unary(served, "process.Process/CloseStdin", { process });
    const printed = (await running)
      .map(
        (message) =>
          (message as { event?: { data?: { stdout?: string } } }).event?.data?.stdout ?? "",
      )
      .map((text) => Buffer.from(text, "base64").toString());
    expect(printed.join("")).toBe("ab");
    const early = await stream(served, "process.Process/StreamInput", [input("a")]);
    expect(early).toMatchObject([{ error: { code: "invalid_argument" } }]);
  });

  test("says that it lives while it is silent", async () => {
    const messages = await stream(served, "process.Process/Start", [run("sleep 2.5")], {
      "Keepalive-Ping-Interval": "1",
    });
    expect(
      messages.filter((message) => JSON.stringify(message).includes("keepalive")),
    ).toHaveLength(2);
  });

  test("lives as long as Connect-Timeout-Ms allows, and not only while somebody listens", async () => {
    const late = await stream(served, "process.Process/Start", [run("sleep 60")], {
      "Connect-Timeout-Ms": "700",
    });
    expect(late.at(-1)).toMatchObject({ error: { code: "deadline_exceeded" } });
    const bad = await stream(served, "process.Process/Start", [run("sleep 61")], {
      "Connect-Timeout-Ms": "soon",
    });
    expect(bad).toMatchObject([{ error: { code: "invalid_argument" } }]);
    const gone = new AbortController();
    const started = fetch(`${served.origin}/process.Process/Start`, {
      method: "POST",
      headers: { "Content-Type": "application/connect+json" },
      body: envelope(run("sleep 2; touch /tmp/lived-on")),
      signal: gone.signal,
    });
    expect((await started).status).toBe(200);
    gone.abort();
    await expect
      .poll(() => served.ours.files.exists("/tmp/lived-on"), { timeout: 10_000 })
      .toBe(true);
    expect((await served.ours.commands.run("pgrep -fc '^sleep 6[01]'")).stdout).toBe("0\n");
  });
});

describe("a watcher that is asked", () => {
  test("tells what happened since it was asked last, until it is removed", async () => {
    await served.ours.files.makeDir("/tmp/asked");
    const request = { path: "/tmp/asked", recursive: true };
    const { watcherId } = await unary(served, "filesystem.Filesystem/CreateWatcher", request);
    const events = (): Promise<unknown> =>
      unary(served, "filesystem.Filesystem/GetWatcherEvents", { watcherId });
    expect(await events()).toEqual({ events: [] });
    await served.ours.commands.run("mkdir /tmp/asked/a; touch /tmp/asked/a/b");
    await expect.poll(events).toEqual({
      events: expect.arrayContaining([
        { name: "a", type: "EVENT_TYPE_CREATE" },
        { name: "a/b", type: "EVENT_TYPE_CREATE" },
      ]),
    });
    expect(await unary(served, "filesystem.Filesystem/RemoveWatcher", { watcherId })).toEqual({});
    expect(await events()).toEqual({
      code: "not_found",
      message: `watcher with id ${String(watcherId)} not found`,
    });
  });

  test("keeps a bounded number of changes, and a bounded number of them keep any", async () => {
    await served.ours.files.makeDir("/tmp/flood");
    // The kernel's own queue counts, too. What fits into it is told however slow the agent is; the
    // flood is larger than both queues together.
    await served.ours.commands.run("echo 12000 > /proc/sys/fs/inotify/max_queued_events", {
      user: "root",
    });
    const create = (): Promise<Record<string, unknown>> =>
      unary(served, "filesystem.Filesystem/CreateWatcher", { path: "/tmp/flood" });
    const first = await create();
    const flood =
      "cd /tmp/flood; python3 -c \"import os\nopen('a', 'w').close()\nfor i in range(7000):\n os.rename('a', 'b')\n os.rename('b', 'a')\"";
    await served.ours.commands.run(flood, { timeoutMs: 280_000 });
    const asked = async (): Promise<string> =>
      JSON.stringify(await unary(served, "filesystem.Filesystem/GetWatcherEvents", first));
    const counts: number[] = [];
    let answer = await asked();
    for (let asks = 0; asks < 50 && !answer.includes("data_loss"); asks++, answer = await asked())
      counts.push((answer.match(/"type"/g) ?? []).length);
    expect(answer).toContain("data_loss");
    // One read of the kernel's queue may go past the limit of 10 000.
    expect(Math.max(...counts)).toBeLessThan(13_000);
    const events = counts.reduce((sum, count) => sum + count, 0);
    expect(events).toBeGreaterThanOrEqual(11_900);
    expect(events).toBeLessThan(26_000);
    for (let count = 0; count < 64; count++) await create();
    expect(await asked()).toContain("not_found");
  });
});
