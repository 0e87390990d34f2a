import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { withLock } from "./lock.ts";

async function lockPath(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "emberbox-lock-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  return join(directory, "there", "lock");
}

test("two in one process take turns", async () => {
  const path = await lockPath();
  const events: string[] = [];
  const work = (name: string) => async () => {
    events.push(`${name} begins`);
    await sleep(50);
    events.push(`${name} ends`);
  };
  await Promise.all([
    withLock(path, work("one")),
    withLock(path, work("two"), { onWait: () => events.push("two waits") }),
  ]);
  expect(events.filter((event) => event !== "two waits")).toHaveLength(4);
  expect(
    events.indexOf("one ends") < events.indexOf("two begins") ||
      events.indexOf("two ends") < events.indexOf("one begins"),
  ).toBe(true);
});

test("the result and the error of the work come through, and both release the lock", async () => {
  const path = await lockPath();
  await expect(withLock(path, async () => 42)).resolves.toBe(42);
  await expect(withLock(path, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  await expect(withLock(path, async () => "again")).resolves.toBe("again");
});

test("waiting can be aborted", async () => {
  const path = await lockPath();
  const controller = new AbortController();
  await withLock(path, async () => {
    const waiting = withLock(path, async () => "never", {
      signal: controller.signal,
      onWait: () => controller.abort(new Error("enough")),
    });
    await expect(waiting).rejects.toThrow("enough");
  });
  await expect(withLock(path, async () => "free")).resolves.toBe("free");
});

/** Another process that takes the lock and runs `body` with it. */
async function holder(path: string, body: string) {
  const module = fileURLToPath(new URL("./lock.ts", import.meta.url));
  const program = `
    import { spawn } from "node:child_process";
    import { withLock } from ${JSON.stringify(module)};
    await withLock(${JSON.stringify(path)}, async (lock) => { ${body}; console.log("locked"); await new Promise((resolve) => setTimeout(resolve, 60_000)); });`;
  const child = spawn(
    "node",
    ["--conditions=@emberbox/source", "--input-type=module-typescript", "--eval", program],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child.stdout, "data");
  return child;
}

test("another process that has the lock is waited for, and kill -9 releases it", async () => {
  const path = await lockPath();
  const child = await holder(path, "");
  let waited = false;
  const result = withLock(path, async () => "mine", {
    onWait: () => {
      waited = true;
      child.kill("SIGKILL");
    },
  });
  await expect(result).resolves.toBe("mine");
  expect(waited).toBe(true);
});

test("a child that inherited the lock keeps it until it ends", async () => {
  const path = await lockPath();
  const child = await holder(
    path,
    'spawn("sleep", ["0.5"], { stdio: ["ignore", "ignore", "ignore", lock.fd] })',
  );
  child.kill("SIGKILL");
  await once(child, "exit");
  let waited = false;
  await withLock(path, async () => {}, { onWait: () => (waited = true) });
  expect(waited).toBe(true);
});
