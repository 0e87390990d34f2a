import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { EmberboxError, Sandbox } from "@emberbox/core";
import { microvm } from "@emberbox/microvm";
import type { CreateOptions } from "@emberbox/core/provider";
import { afterAll, describe, expect, test } from "vitest";
import { eventually, type HostProcess, hostProcesses, machinesOf } from "./support/processes.ts";
import { engine, oddShape, python, testTemplate } from "./support/sandboxes.ts";
import { synchronousFileWork } from "./support/synchronous.ts";
import { SOURCE, sourceNode } from "../scripts/source.ts";

/** Its machines are counted, so there is none without a sandbox. */
const provider = engine(testTemplate, { standby: false });
afterAll(() => provider[Symbol.asyncDispose]());

function createSandbox(options: CreateOptions = {}): Promise<Sandbox> {
  return Sandbox.create({ provider, ...options });
}

const rejection = (promise: Promise<unknown>): Promise<EmberboxError> =>
  promise.then(
    () => Promise.reject(new Error("it did not reject")),
    (error: EmberboxError) => error,
  );

test("a create keeps nothing else of its program waiting for files", async () => {
  await using first = await createSandbox();
  const { snapshotId } = await first.createSnapshot();
  const made: Sandbox[] = [];
  const seen = await synchronousFileWork(async () => {
    made.push(await createSandbox());
    made.push(await createSandbox({ template: snapshotId }));
  });
  await Promise.all(made.map((sandbox) => sandbox.kill()));
  await Sandbox.deleteSnapshot(snapshotId, { provider });
  expect(made).toHaveLength(2);
  expect(seen).toEqual([]);
});

describe("the end of a sandbox", () => {
  test("kill leaves no process", async () => {
    const sandbox = await createSandbox();
    const before = machinesOf().length;
    expect(await sandbox.kill()).toBe(true);
    expect(machinesOf()).toHaveLength(before - 1);
    expect(await sandbox.kill()).toBe(false);
    expect(await sandbox.isRunning()).toBe(false);
  });

  test("a call after the end says so", async () => {
    const sandbox = await createSandbox();
    await sandbox.kill();
    expect(await rejection(sandbox.runCode("1"))).toMatchObject({ code: "sandbox_closed" });
    expect(await rejection(Sandbox.connect(sandbox.sandboxId, { provider }))).toMatchObject({
      code: "sandbox_not_found",
    });
  });

  test("it comes at the end of its lifetime, which can be moved", async () => {
    const sandbox = await createSandbox({ timeoutMs: 1500 });
    await sandbox.setTimeout(600_000);
    expect((await sandbox.getInfo()).endAt.getTime()).toBeGreaterThan(Date.now() + 500_000);
    await sandbox.setTimeout(300);
    const error = await rejection(sandbox.runCode("import time; time.sleep(60)"));
    expect(error).toMatchObject({ code: "sandbox_closed" });
    expect(error.message).toContain("300 ms");
  });

  test("calls in flight reject at once when QEMU is killed from outside, with the console's tail", async () => {
    await using sandbox = await createSandbox();
    const known = new Set(machinesOf().map(({ pid }) => pid));
    await using victim = await createSandbox();
    const pid = machinesOf().find((machine) => !known.has(machine.pid))!.pid;
    const call = rejection(
      victim.runCode("print('before', flush=True); import time; time.sleep(60)", {
        onStdout: () => void process.kill(pid, "SIGKILL"),
      }),
    );
    const started = Date.now();
    const error = await call;
    expect(error).toMatchObject({ code: "sandbox_died" });
    expect(error.details).toMatchObject({ console: expect.any(String) });
    expect(Date.now() - started).toBeLessThan(30_000);
    expect(await python(sandbox, "print('unharmed')")).toBe("unharmed\n");
  });

  test("a program killed with kill -9 leaves nothing", async () => {
    const child = spawn(sourceNode, [SOURCE, join(import.meta.dirname, "support/abandon.ts")], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [home] = (await once(child.stdout.setEncoding("utf8"), "data")) as [string];
    const machines = machinesOf(child.pid!);
    expect(machines).toHaveLength(2);
    child.kill("SIGKILL");
    await once(child, "exit");
    await eventually("the machines end", 5000, () =>
      hostProcesses().every(({ pid }) => !machines.some((machine) => machine.pid === pid)),
    );
    // There its socket is, until somebody lists what runs.
    expect(readdirSync(join(home.trim(), "run"))).toEqual(["programs"]);
  });

  test("a jail whose program was killed before it was ready is ended by the next one", async () => {
    const sleeping = [
      "--",
      "/bin/sh",
      "-c",
      "sleep 1000",
      "virtserialport,chardev=channel,name=emberbox",
    ];
    const outer = spawn(
      "bwrap",
      ["--unshare-user", "--unshare-pid", "--ro-bind", "/", "/", ...sleeping],
      {
        stdio: "ignore",
      },
    );
    const inner = (): HostProcess[] => hostProcesses().filter(({ parent }) => parent === outer.pid);
    await eventually("the jail is there", 5000, () => inner().length === 1);
    const [{ pid }] = inner() as [HostProcess];
    outer.kill("SIGKILL");
    await once(outer, "exit");
    expect(hostProcesses().some((each) => each.pid === pid)).toBe(true);
    await using own = microvm();
    await Sandbox.create({ provider: own });
    await eventually("it ends", 5000, () => hostProcesses().every((each) => each.pid !== pid));
  });

  test("a program that forgets its sandbox ends all the same, and the sandbox with it", async () => {
    const child = spawn(sourceNode, [SOURCE, join(import.meta.dirname, "support/forget.ts")], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const output = text(child.stdout);
    const [code] = (await once(child, "exit")) as [number];
    expect(code).toBe(0);
    expect(await output).toBe("42\n");
    await eventually("the machine ends", 5000, () => machinesOf(child.pid!).length === 0);
  });

  test("closing the provider closes what it made", async () => {
    const own = microvm({ pool: { size: 1 } });
    const sandbox = await Sandbox.create({ provider: own });
    await own[Symbol.asyncDispose]();
    expect(await rejection(sandbox.runCode("1"))).toMatchObject({ code: "sandbox_closed" });
    expect(await rejection(Sandbox.create({ provider: own }))).toMatchObject({
      code: "sandbox_closed",
    });
  });
});

describe("creation", () => {
  test("stops when its signal is aborted, before and during", async () => {
    const reason = new Error("not needed any more");
    await expect(createSandbox({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const before = machinesOf().length;
    const creating = createSandbox({ signal: controller.signal });
    setTimeout(() => controller.abort(reason), 60);
    await expect(creating).rejects.toBe(reason);
    await eventually("the machine is gone", 5000, () => machinesOf().length === before);
  });

  test("gives many and long envs", async () => {
    const long = "é".repeat(40_000);
    const envs = Object.fromEntries(
      Array.from({ length: 8 }, (_, index) => [`LONG${index}`, long]),
    );
    await using sandbox = await createSandbox({ envs });
    const { stdout } = await sandbox.commands.run("echo ${#LONG0} ${#LONG7}");
    expect(stdout.trim()).toBe("40000 40000");
    const { text } = await sandbox.runCode("import os; len(os.environ['LONG3'])");
    expect(text).toBe("40000");
  });

  test("gives envs, metadata, memory, processors and disk as asked", async () => {
    await using sandbox = await createSandbox({
      envs: { GREETING: "hello" },
      metadata: { purpose: "test" },
      ...oddShape,
      diskMB: 8192,
    });
    expect(await python(sandbox, "import os; print(os.environ['GREETING'], os.cpu_count())")).toBe(
      "hello 2\n",
    );
    expect((await sandbox.commands.run("echo $GREETING")).stdout).toBe("hello\n");
    const total =
      Number((await sandbox.commands.run("awk '/MemTotal/ {print $2}' /proc/meminfo")).stdout) /
      1024;
    expect(total).toBeGreaterThan(650);
    expect(total).toBeLessThan(768);
    const disk = Number(
      (await sandbox.commands.run("df -BM --output=size / | tail -1 | tr -d M")).stdout,
    );
    expect(disk).toBeGreaterThan(7500);
    const info = await sandbox.getInfo();
    expect(info).toMatchObject({
      metadata: { purpose: "test" },
      ...oddShape,
      diskMB: 8192,
      state: "running",
    });
    expect((await Sandbox.list({ provider })).map(({ sandboxId }) => sandboxId)).toContain(
      sandbox.sandboxId,
    );
  });

  test("a spare from the pool has a fresh identity and the variables it was asked for", async () => {
    await using own = microvm({ pool: { size: 1 } });
    await using first = await Sandbox.create({ provider: own });
    expect(await python(first, "print(1)")).toBe("1\n");
    await eventually("the pool is filled", 60_000, () => machinesOf().length >= 2);
    await new Promise((resolve) => setTimeout(resolve, 3000));
    await using second = await Sandbox.create({ provider: own, envs: { COLOUR: "green" } });
    const execution = await second.runCode("import os; os.environ['COLOUR']");
    expect(execution).toMatchObject({ text: "green", executionCount: 1 });
    expect(second.sandboxId).not.toBe(first.sandboxId);
  });

  test(
    "thirty sandboxes are alive at once, each answers, and all are closed with nothing left",
    { timeout: 300_000 },
    async () => {
      const before = machinesOf().length;
      const own = microvm({ standby: false });
      const sandboxes: Sandbox[] = [];
      for (let batch = 0; batch < 6; batch++) {
        sandboxes.push(
          ...(await Promise.all(
            Array.from({ length: 5 }, () => Sandbox.create({ provider: own })),
          )),
        );
      }
      const answers = await Promise.all(
        sandboxes.map((sandbox, index) => python(sandbox, `print(${index} * 2)`)),
      );
      expect(answers).toEqual(sandboxes.map((_, index) => `${index * 2}\n`));
      expect(machinesOf()).toHaveLength(before + 30);
      await own[Symbol.asyncDispose]();
      expect(machinesOf()).toHaveLength(before);
    },
  );
});
