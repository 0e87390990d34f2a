import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Sandbox } from "@emberbox/core";
import type { SandboxProvider } from "@emberbox/core/provider";
import { microvm } from "@emberbox/microvm";
import { expect, onTestFinished, test } from "vitest";
import { allTicks } from "../packages/emberbox/src/bench/processes.ts";
import { areGone, eventually, type HostProcess, machinesOf } from "./support/processes.ts";

const random = async (sandbox: Sandbox): Promise<string> => {
  const { stdout } = await sandbox.commands.run("cat /proc/sys/kernel/random/uuid; hostname");
  return stdout;
};

/** Machines of this program, when there are as many as there should be. */
async function machines(count: number): Promise<HostProcess[]> {
  await eventually(`${count} machines`, 60_000, () => machinesOf().length === count);
  return machinesOf();
}

/** The same, when none of them is busy any more: a spare in the making is. */
async function quietMachines(count: number): Promise<HostProcess[]> {
  const all = await machines(count);
  const busy = (): number => allTicks(all.map(({ pid }) => pid));
  for (let before = -1; busy() - before > 3;) {
    before = busy();
    await new Promise((resolve) => setTimeout(resolve, 1500));
  }
  return all;
}

/** A sandbox, and the machine of the spare that stands by after it. */
async function withSpare(
  provider: SandboxProvider,
): Promise<{ first: Sandbox; spare: HostProcess }> {
  const first = await Sandbox.create({ provider });
  const [own] = machinesOf();
  const spare = (await quietMachines(2)).find(({ pid }) => pid !== own!.pid)!;
  return { first, spare };
}

test("after a create a spare stands by, which becomes the next sandbox as if it had been started for it", async () => {
  await using provider = microvm();
  const first = await Sandbox.create({ provider });
  const known = await quietMachines(2);
  const second = await Sandbox.create({ provider, envs: { COLOUR: "green" } });
  expect(machinesOf().map(({ pid }) => pid)).toEqual(known.map(({ pid }) => pid));
  expect((await second.runCode("import os; os.environ['COLOUR']")).text).toBe("green");
  expect(await random(second)).not.toBe(await random(first));
  expect(await random(second)).toContain(second.sandboxId);
  const all = await machines(3);
  await provider[Symbol.asyncDispose]();
  // As a process that has ended, it stays in the table until somebody asks how.
  await eventually("all are gone", 5000, () => areGone(all));
});

test("a spare has the folder that the last sandbox had, unless that has changed", async () => {
  await using provider = microvm();
  const host = mkdtempSync(join(tmpdir(), "emberbox-standby-"));
  onTestFinished(() => rmSync(host, { recursive: true }));
  writeFileSync(join(host, "note"), "first");
  // A copy of what is only now being changed is not used again.
  await new Promise((resolve) => setTimeout(resolve, 100));
  const workspace = { host, guest: "/home/user/folder" };
  const created = async (): Promise<{ sandbox: Sandbox; note: string }> => {
    const sandbox = await Sandbox.create({ provider, workspace });
    const note = await sandbox.files.read("/home/user/folder/note");
    return { sandbox, note };
  };
  expect((await created()).note).toBe("first");
  const known = await quietMachines(2);
  const { sandbox, note } = await created();
  expect(note).toBe("first");
  const pids = known.map(({ pid }) => pid);
  expect(machinesOf().map(({ pid }) => pid)).toEqual(pids);
  await sandbox.files.write("/home/user/folder/note", "changed");
  const { changes } = await sandbox.workspace.changes();
  expect(changes).toMatchObject([{ path: "note", kind: "changed" }]);
  await quietMachines(3);
  writeFileSync(join(host, "note"), "other");
  expect((await created()).note).toBe("other");
  await using plain = await Sandbox.create({ provider });
  expect(await plain.commands.run("ls /home/user")).toMatchObject({ stdout: "" });
});

test("a spare that is killed is not missed", async () => {
  await using provider = microvm();
  const { first, spare } = await withSpare(provider);
  process.kill(spare.pid, "SIGKILL");
  await eventually("it is gone", 10_000, () => areGone([spare]));
  // The program hears of it a moment later.
  await new Promise((resolve) => setTimeout(resolve, 500));
  await using second = await Sandbox.create({ provider });
  expect(await random(second)).not.toBe(await random(first));
});

test("one of another size is not taken, and makes room for one that is wanted", async () => {
  await using provider = microvm();
  const first = await Sandbox.create({ provider });
  await quietMachines(2);
  const large = await Sandbox.create({ provider, diskMB: 8192 });
  const { stdout } = await large.commands.run("df -BM --output=size / | tail -1 | tr -d M");
  expect(Number(stdout)).toBeGreaterThan(7500);
  await quietMachines(3);
  const another = await Sandbox.create({ provider, diskMB: 8192 });
  expect(await random(another)).toContain(another.sandboxId);
  for (const sandbox of [large, first, another]) await sandbox.kill();
  await machines(1);
});

test("a spare that stops answering is replaced", async () => {
  await using provider = microvm();
  const { first, spare } = await withSpare(provider);
  process.kill(spare.pid, "SIGSTOP");
  setTimeout(() => process.kill(spare.pid, "SIGKILL"), 1000);
  await using second = await Sandbox.create({ provider, envs: { COLOUR: "green" } });
  expect(await random(second)).toContain(second.sandboxId);
  expect(await random(second)).not.toBe(await random(first));
});

test("one that nobody wants is gone after a minute", async () => {
  await using provider = microvm();
  await using sandbox = await Sandbox.create({ provider });
  await machines(2);
  await eventually("it has gone", 90_000, () => machinesOf().length === 1);
  expect(await random(sandbox)).toContain(sandbox.sandboxId);
});

test("none stands by where that is not wanted, or where there is a pool", async () => {
  for (const options of [{ standby: false }, { pool: { size: 1 } }]) {
    await using provider = microvm(options);
    await using sandbox = await Sandbox.create({ provider });
    expect(await random(sandbox)).toContain(sandbox.sandboxId);
    const others = "pool" in options ? 1 : 0;
    await machines(1 + others);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(machinesOf()).toHaveLength(1 + others);
  }
});
