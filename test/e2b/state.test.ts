import { setTimeout as delay } from "node:timers/promises";
import { RateLimitError, Sandbox } from "e2b";
import { fetch, type Response } from "undici";
import { beforeAll, describe, expect, test } from "vitest";
import { sdkOptions, startServer, type SdkOptions } from "../support/server.ts";

const PORT = 8500;
const WEB = `python3 -c "
import http.server, os
class Pid(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(str(os.getpid()).encode())
server = http.server.HTTPServer(('127.0.0.1', ${PORT}), Pid)
print('listening', flush=True)
server.serve_forever()"`;

let options: SdkOptions;
beforeAll(async () => {
  options = sdkOptions(await startServer());
});

/** Starts a server inside that tells its process; resolves to that. */
async function startWeb(sandbox: Sandbox): Promise<string> {
  const listening = Promise.withResolvers<void>();
  await sandbox.commands.run(WEB, {
    background: true,
    timeoutMs: 0,
    onStdout: () => listening.resolve(),
  });
  await listening.promise;
  return (await visit(sandbox)).text();
}

/** What anybody does who knows the sandbox's host name. */
function visit({ sandboxId }: Sandbox): Promise<Response> {
  return fetch(options.apiUrl, {
    headers: { "e2b-sandbox-id": sandboxId, "e2b-sandbox-port": `${PORT}` },
  });
}

async function untilPaused(sandbox: Sandbox): Promise<void> {
  await expect
    .poll(async () => (await sandbox.getInfo()).state, { timeout: 30_000 })
    .toBe("paused");
}

describe("a sandbox that resumes by itself", () => {
  const lifecycle = { onTimeout: "pause", autoResume: true } as const;

  test("is paused at the end of its time, and resumed by traffic, its processes with it", async () => {
    const sandbox = await Sandbox.create({ ...options, lifecycle });
    expect((await sandbox.getInfo()).lifecycle).toEqual(lifecycle);
    const pid = await startWeb(sandbox);
    await sandbox.setTimeout(1000);
    await untilPaused(sandbox);
    expect(await sandbox.isRunning()).toBe(true);

    await sandbox.pause();
    // Many at once resume it once.
    const answers = await Promise.all(
      [1, 2, 3].map(async () => {
        const answer = await visit(sandbox);
        return [answer.status, await answer.text()];
      }),
    );
    expect(answers).toEqual([1, 2, 3].map(() => [200, pid]));
    const { state, endAt } = await sandbox.getInfo();
    expect(state).toBe("running");
    expect(endAt.getTime()).toBeGreaterThan(Date.now() + 280_000);
    await sandbox.kill();
    expect((await visit(sandbox)).status).toBe(502);
  });

  test("answers what comes while it is being paused", async () => {
    const sandbox = await Sandbox.create({ ...options, lifecycle });
    const pid = await startWeb(sandbox);
    // Memory to write, so that it takes its time.
    await sandbox.commands.run(
      `python3 -c "import os; kept = os.urandom(300 << 20); print('kept', flush=True); input()"`,
      { background: true, stdin: true, timeoutMs: 0 },
    );
    await delay(3000);
    const pausing = sandbox.pause();
    await delay(500);
    const answer = await visit(sandbox);
    expect([answer.status, await answer.text()]).toEqual([200, pid]);
    expect(await pausing).toBe(true);
    await sandbox.kill();
  });
});

test("a sandbox that is paused stays so, whatever traffic comes, unless it was told otherwise", async () => {
  const sandbox = await Sandbox.create({ ...options, lifecycle: { onTimeout: "pause" } });
  await sandbox.pause();
  expect((await visit(sandbox)).status).toBe(502);
  await expect(sandbox.commands.run("true")).rejects.toThrow();
  expect((await sandbox.getInfo()).state).toBe("paused");
  await sandbox.kill();
});

test("at the end of its time only the disk is kept, where that was asked for", async () => {
  const onTimeout = { action: "pause", keepMemory: false } as const;
  const sandbox = await Sandbox.create({ ...options, lifecycle: { onTimeout } });
  await sandbox.files.write("kept.txt", "on the disk");
  await sandbox.commands.run("sleep 600", { background: true, timeoutMs: 0 });
  await sandbox.setTimeout(1000);
  await untilPaused(sandbox);
  await sandbox.connect({ requestTimeoutMs: 0 });
  expect(await sandbox.files.read("kept.txt")).toBe("on the disk");
  expect(await sandbox.commands.list()).toEqual([]);
  await sandbox.kill();
});

test("a sandbox that is killed while it is resumed is gone", async () => {
  const sandbox = await Sandbox.create(options);
  await sandbox.pause();
  const resuming = sandbox.connect().then(
    () => "resumed",
    () => "refused",
  );
  await delay(20);
  expect(await sandbox.kill()).toBe(true);
  await resuming;
  expect(await sandbox.isRunning()).toBe(false);
  expect(await Sandbox.kill(sandbox.sandboxId, options)).toBe(false);
});

test("copies count as sandboxes", async () => {
  const limited = sdkOptions(await startServer({ maxSandboxes: 2 }));
  const sandbox = await Sandbox.create(limited);
  await expect(sandbox.fork({ count: 2, retries: 0 })).rejects.toThrow(RateLimitError);
  const [fork] = await sandbox.fork();
  if (fork instanceof Error) throw fork;
  await sandbox.pause();
  const other = await Sandbox.create(limited);
  // There is no place for it again.
  await expect(sandbox.connect({ retries: 0 })).rejects.toThrow(RateLimitError);
  await Promise.all([sandbox, fork!, other].map((each) => each.kill()));
});
