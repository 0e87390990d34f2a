import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Sandbox } from "@emberbox/core";
import { beforeAll, describe, expect, test } from "vitest";
import { createSandbox } from "./support/sandboxes.ts";

/**
 * The host of these tests may have no control groups of version 2, and its groups are not a test's to change. A
 * sandbox has them, and is root there: so the engine's own code runs inside one.
 */
const source = join(import.meta.dirname, "../packages/microvm/src/machine");
let sandbox: Sandbox;

const PRELUDE = `
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, closeSync } from "node:fs";
import { findCgroupParent, makeCgroup, sweepCgroups } from "./cgroup.ts";
import { limited } from "./limits.ts";
// 64 MiB in all: what is QEMU's own comes on top.
const size = { accelerator: "kvm", memoryMB: 64 - 512, diskMB: 8, cpuCount: 1 };
const parent = findCgroupParent();
const groups = () => readdirSync(parent.path).filter((name) => name.startsWith("emberbox-"));
// Under load, an earlier program's group may still be there.
const there = groups();
const mine = () => groups().filter((name) => !there.includes(name));
const start = (cgroup, file, ...args) => {
  const command = limited({ file, args }, size, true);
  const child = spawn(command.file, command.args, { stdio: ["ignore", cgroup.procs, "pipe"] });
  closeSync(cgroup.procs);
  return child;
};
const say = (value) => console.log(JSON.stringify(value));
`;

async function inside(code: string): Promise<unknown> {
  await sandbox.files.write("/opt/groups/test.ts", PRELUDE + code, { user: "root" });
  const { stdout, stderr, exitCode } = await sandbox.commands.run(
    "node --no-warnings /opt/groups/test.ts",
    { user: "root", timeoutMs: 120_000 },
  );
  if (exitCode !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

beforeAll(async () => {
  sandbox = await createSandbox({ timeoutMs: 3_600_000 });
  for (const name of ["cgroup.ts", "limits.ts"])
    await sandbox.files.write(`/opt/groups/${name}`, readFileSync(join(source, name), "utf8"), {
      user: "root",
    });
  return () => sandbox.kill();
});

describe("a machine's control group", () => {
  test("is made where memory and pids can be limited", async () => {
    const found = await inside("say(parent)");
    expect(found).toMatchObject({ path: "/sys/fs/cgroup" });
    expect((found as { controllers: string[] }).controllers).toEqual(
      expect.arrayContaining(["memory", "pids", "cpu"]),
    );
  });

  test("ends a process that takes more memory than it may", async () => {
    const code = `const cgroup = await makeCgroup(parent, size);
      const child = start(cgroup, "python3", "-c", "bytearray(512 * 2**20)");
      const end = (await once(child, "exit")).join(); await cgroup.remove(); say(end);`;
    expect(await inside(code)).toBe(",SIGKILL");
  });

  test("ends a fork bomb's growth", async () => {
    const code = `const cgroup = await makeCgroup(parent, { ...size, memoryMB: 0 });
      const child = start(cgroup, "sh", "-c", "for i in $(seq 500); do sleep 60 & done");
      await once(child, "exit");
      const count = readFileSync(parent.path + "/" + mine()[0] + "/pids.peak", "utf8").trim();
      spawnSync("pkill", ["-x", "sleep"]); await cgroup.remove(); say(Number(count));`;
    expect(await inside(code)).toBe(129);
  });

  test("limits processor time", async () => {
    const code = `const cgroup = await makeCgroup(parent, size); closeSync(cgroup.procs);
      say(readFileSync(parent.path + "/" + mine()[0] + "/cpu.max", "utf8").trim()); await cgroup.remove();`;
    expect(await inside(code)).toBe("200000 100000");
  });

  test("holds all that the process starts, and is gone after the last of them", async () => {
    const code = `const cgroup = await makeCgroup(parent, size);
      const child = start(cgroup, "sh", "-c", "sleep 60 & sleep 60");
      const count = () => readFileSync(parent.path + "/" + mine()[0] + "/cgroup.procs", "utf8").trim().split("\\n").length;
      let held = 0;
      for (let looks = 0; held < 3 && looks < 300; looks++) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        held = count();
      }
      child.kill("SIGKILL"); await once(child, "exit");
      spawnSync("pkill", ["-x", "sleep"]); await cgroup.remove(); say([held, mine().length]);`;
    expect(await inside(code)).toEqual([3, 0]);
  });

  test("of a program that was killed is swept by the next, unless it is in use", async () => {
    const abandon = `start(await makeCgroup(parent, size), "sleep", "600"); await makeCgroup(parent, size);
      setTimeout(() => process.kill(process.pid, "SIGKILL"), 300);`;
    await inside("await sweepCgroups(parent); say(true)");
    await inside(abandon).catch(() => {});
    const sweep = "await sweepCgroups(parent); say(groups().length)";
    expect(await inside("say(groups().length)")).toBe(2);
    expect(await inside(sweep)).toBe(1);
    await sandbox.commands.run("pkill -x sleep; sleep 0.2", { user: "root" });
    expect(await inside(sweep)).toBe(0);
  });
});
