import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, rmSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { setTimeout as delay } from "node:timers/promises";
import { EmberboxError, Sandbox } from "@emberbox/core";
import { microvm } from "@emberbox/microvm";
import { branchPaused, prune } from "@emberbox/microvm/internal";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SOURCE, sourceNode } from "../scripts/source.ts";
import { paths } from "../packages/microvm/src/host/paths.ts";
import { createSandbox, provider, python } from "./support/sandboxes.ts";

const directory = join(paths().state, "checkpoints");
const code = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "it did not reject",
    (error: EmberboxError) => error.code,
  );
const entries = (): string[] => (existsSync(directory) ? readdirSync(directory) : []);
const clear = (): void => rmSync(directory, { recursive: true, force: true });

describe("checkpoints of one sandbox", () => {
  let sandbox: Sandbox;
  let first: string;

  beforeAll(async () => {
    sandbox = await createSandbox({ metadata: { a: "b" }, timeoutMs: 3_600_000 });
    await sandbox.runCode("step = 1");
    first = (await sandbox.checkpoint({ label: "first" })).checkpointId;
  });
  afterAll(async () => {
    await sandbox.kill();
    expect(entries()).toEqual([]);
  });

  test("are not made when it is the same: nothing but reads came, and no program ran", async () => {
    await sandbox.rollback(first);
    const isMade = async (): Promise<boolean> => {
      // An interpreter is busy for a moment after a call.
      await delay(500);
      return !(await sandbox.checkpoint()).unchanged;
    };
    await sandbox.runCode("step = 2");
    expect(await isMade()).toBe(true);
    expect(await isMade()).toBe(false);
    await sandbox.files.list(".");
    await sandbox.files.read(".profile");
    await sandbox.commands.list();
    await sandbox.getMetrics();
    await delay(2500);
    expect(await isMade()).toBe(false);
    await sandbox.files.write("a", "b");
    expect(await isMade()).toBe(true);
    // A thread that sleeps, and then does something.
    await sandbox.runCode(
      "import threading, time\nthreading.Thread(target=lambda: time.sleep(2)).start()",
    );
    expect(await isMade()).toBe(true);
    await delay(3000);
    expect(await isMade()).toBe(true);
    // A call that is under way.
    const going = sandbox.runCode("time.sleep(2)");
    await sandbox.checkpoint();
    expect(await isMade()).toBe(true);
    await going;
  });

  test("leave its URLs, its token, its labels and its policy as they are", async () => {
    await sandbox.rollback(first);
    await sandbox.commands.run("python3 -m http.server 8200", { background: true });
    await sandbox.commands.run("until curl -s -o /dev/null localhost:8200; do sleep 0.2; done");
    const { checkpointId } = await sandbox.checkpoint();
    const url = await sandbox.url(8200);
    const { accessToken } = await provider.connect(sandbox.sandboxId);
    const { endAt } = await sandbox.getInfo();
    await sandbox.updateNetwork(false);
    await sandbox.commands.run("pkill -f http.server; true");
    await sandbox.commands.run("curl -s -m 5 http://example.com; true");
    const { network } = await sandbox.rollback(checkpointId);
    expect(network).toMatchObject({ allowed: 0 });
    expect(new Set(network?.refusals.map(({ host }) => host))).toEqual(new Set(["example.com"]));
    expect(await sandbox.url(8200)).toBe(url);
    expect((await fetch(url)).status).toBe(200);
    expect((await provider.connect(sandbox.sandboxId)).accessToken).toBe(accessToken);
    expect(await sandbox.getInfo()).toMatchObject({
      ...{ metadata: { a: "b" }, network: false, endAt },
    });
    await sandbox.updateNetwork(true);
  });

  test("that are damaged are listed as such; going back to one leaves it as it is", async () => {
    await sandbox.rollback(first);
    await sandbox.runCode("step = 'mine'");
    const { checkpointId } = await sandbox.checkpoint({ label: "damaged" });
    const place = join(directory, `${sandbox.sandboxId}-${checkpointId}`);
    truncateSync(join(place, "state"), 10);
    expect(await code(sandbox.rollback(checkpointId))).toBe("snapshot_damaged");
    truncateSync(join(place, "manifest.json"), 10);
    expect(await code(sandbox.rollback(checkpointId))).toBe("snapshot_damaged");
    expect(await sandbox.history()).toContainEqual(
      expect.objectContaining({ checkpointId, damaged: true }),
    );
    expect(await python(sandbox, "print(step)")).toBe("mine\n");
    // The damaged one is where it was, so nothing is known to be the same.
    expect((await sandbox.checkpoint()).unchanged).toBeUndefined();
    expect(await sandbox.deleteCheckpoint(checkpointId)).toBe(true);
  });

  test("take what changed, and stay whole when others are deleted, or limited in bytes", async () => {
    await sandbox.rollback(first);
    await sandbox.runCode("import numpy; data = numpy.random.rand(4 * 2**20); total = data.sum()");
    const large = await sandbox.checkpoint();
    expect(large.sizeBytes).toBeGreaterThan(32 * 2 ** 20);
    await sandbox.runCode("step = 'later'");
    const later = await sandbox.checkpoint({ keep: { bytes: 0 } });
    expect(later.sizeBytes).toBeLessThan(24 * 2 ** 20);
    expect((await sandbox.history()).map((each) => each.checkpointId)).toEqual([
      later.checkpointId,
    ]);
    await sandbox.runCode("data = None");
    await sandbox.rollback(later.checkpointId);
    expect(await python(sandbox, "print(step, abs(data.sum() - total) < 1e-6)")).toBe(
      "later True\n",
    );
    await sandbox.runCode("step = 1; data = None");
    first = (await sandbox.checkpoint({ label: "first" })).checkpointId;
  });

  test("share what was written to the disk, also when those that wrote it are deleted", async () => {
    await sandbox.rollback(first);
    const write = async (name: string, megabytes: number): Promise<string> => {
      const command = `head -c ${megabytes}M /dev/urandom > ${name}; sync ${name}; md5sum ${name}`;
      return (await sandbox.commands.run(command)).stdout;
    };
    const diskBytes = ({ checkpointId }: { checkpointId: string }): number[] => {
      const place = join(directory, `${sandbox.sandboxId}-${checkpointId}`);
      const names = readdirSync(place).filter((name) => name.startsWith("disk-"));
      return names.map((name) => statSync(join(place, name)).size).toSorted((a, b) => a - b);
    };
    const once = await write("large", 64);
    const large = await sandbox.checkpoint();
    expect(diskBytes(large).at(-1)).toBeGreaterThan(64 * 2 ** 20);
    const small = await write("small", 1);
    const later = await sandbox.checkpoint();
    expect(diskBytes(later).at(-1)).toBe(diskBytes(large).at(-1));
    expect(diskBytes(later)[0]).toBeLessThan(8 * 2 ** 20);
    await write("large", 16);
    await sandbox.checkpoint();
    await sandbox.commands.run("rm large small");
    await sandbox.deleteCheckpoint(large.checkpointId);
    await sandbox.rollback(later.checkpointId);
    expect((await sandbox.commands.run("md5sum large small")).stdout).toBe(once + small);
    // What it goes on from is deleted too, and then it is paused.
    for (const { checkpointId } of await sandbox.history())
      await sandbox.deleteCheckpoint(checkpointId);
    await write("large", 16);
    const last = await sandbox.checkpoint();
    await sandbox.pause();
    const there = await Sandbox.connect(sandbox.sandboxId, { provider });
    await there.commands.run("rm large small");
    await there.rollback(last.checkpointId);
    expect((await there.commands.run("md5sum small; wc -c < large")).stdout).toBe(
      `${small}${16 * 2 ** 20}\n`,
    );
    await there.commands.run("rm large small");
    first = (await there.checkpoint({ label: "first" })).checkpointId;
  });

  test("stay when it is paused, which can be taken back by another program, too", async () => {
    await sandbox.rollback(first);
    await sandbox.runCode("step = 2");
    const second = await sandbox.checkpoint({ label: "second" });
    await sandbox.runCode("step = 3");
    await sandbox.pause();
    await using other = microvm();
    const { undone } = await other.rollback!(sandbox.sandboxId, first);
    expect(undone.map(({ label }) => label)).toContain("second");
    const made: string[] = [];
    for await (const id of branchPaused(sandbox.sandboxId, second.checkpointId, { count: 1 }))
      made.push(id);
    await using branch = await Sandbox.connect(made[0]!, { provider: other });
    expect(await python(branch, "print(step)")).toBe("2\n");
    expect(await branch.history()).toEqual([]);
    // A program that resumes it has its history.
    await using there = await Sandbox.connect(sandbox.sandboxId, { provider: other });
    expect(await python(there, "print(step)")).toBe("1\n");
    const { checkpoint } = await there.rollback(second.checkpointId);
    expect(checkpoint).toMatchObject({ label: "second", current: true });
    expect(await python(there, "print(step)")).toBe("2\n");
    expect(await prune({ dryRun: true })).not.toContainEqual(
      expect.objectContaining({ path: expect.stringContaining(sandbox.sandboxId) as unknown }),
    );
    await there.pause();
    await sandbox.connect({ timeoutMs: 3_600_000 });
    await sandbox.rollback(first);
    expect(await python(sandbox, "print(step)")).toBe("1\n");
  });

  test("are gone back to one after another, whoever asks", async () => {
    await sandbox.rollback(first);
    await sandbox.runCode("step = 2");
    const { checkpointId } = await sandbox.checkpoint();
    await Promise.all([
      sandbox.rollback(first),
      sandbox.rollback(checkpointId),
      sandbox.checkpoint(),
      sandbox.rollback(first),
    ]);
    expect(await python(sandbox, "print(step)")).toBe("1\n");
    const controller = new AbortController();
    const aborted = sandbox.rollback(checkpointId, { signal: controller.signal });
    controller.abort(new Error("enough"));
    await expect(aborted).rejects.toThrow("enough");
    expect(await python(sandbox, "print(step)")).toBe("1\n");
  });
});

function program(what: string): ChildProcess & { stdout: NonNullable<ChildProcess["stdout"]> } {
  const script = join(import.meta.dirname, "support/checkpointer.ts");
  return spawn(sourceNode, [SOURCE, script, what], {
    stdio: ["ignore", "pipe", "inherit"],
  }) as never;
}

/** More of them for a longer search. */
const rounds = Number(process.env["EMBERBOX_TEST_ROUNDS"] ?? 4);

describe("a program that is killed", () => {
  test(
    "while it makes checkpoints and goes back leaves whole ones, of which branches are made",
    { timeout: 600_000 + rounds * 60_000 },
    async () => {
      for (let round = 0; round < rounds; round++) {
        const child = program("running");
        const made = new Map<string, string>();
        let sandboxId = "";
        for await (const line of createInterface({ input: child.stdout })) {
          const [what, id = "", step = ""] = line.split(" ");
          if (what === "sandbox") sandboxId = id;
          if (what === "made") made.set(id, step);
          if (what === "begins") setTimeout(() => child.kill("SIGKILL"), Math.random() * 3000);
        }
        expect(child.signalCode ?? (await once(child, "exit"))[1]).toBe("SIGKILL");
        await using own = microvm();
        // Opening the engine clears away what the dead program left.
        await (await Sandbox.create({ provider: own })).kill();
        expect(entries().filter((name) => name.startsWith("."))).toEqual([]);
        const history = await Sandbox.history(sandboxId, { provider: own });
        expect(history.filter(({ damaged }) => damaged)).toEqual([]);
        expect(history.map((each) => each.checkpointId)).toEqual(
          expect.arrayContaining([...made.keys()]),
        );
        const last = history.at(-1)!;
        const [branch] = await Sandbox.branch(sandboxId, last.checkpointId, { provider: own });
        if (!(branch instanceof Sandbox)) throw branch!;
        expect(await python(branch, "print(step, open('step').read())")).toBe(
          `${last.label} ${last.label}\n`,
        );
        await branch.kill();
        // Nobody else needs them.
        const pruned = (await prune()).map(({ path }) => path);
        expect(pruned).toContain(join(directory, `${sandboxId}-${last.checkpointId}`));
        expect(entries()).toEqual([]);
      }
    },
  );

  test(
    "while it takes a paused sandbox back leaves it whole, at the one or the other",
    { timeout: 600_000 + rounds * 60_000 },
    async () => {
      for (let round = 0; round < rounds; round++) {
        const child = program("paused");
        let sandboxId = "";
        for await (const line of createInterface({ input: child.stdout })) {
          const [what, id = ""] = line.split(" ");
          if (what === "sandbox") sandboxId = id;
          if (what === "paused") setTimeout(() => child.kill("SIGKILL"), Math.random() * 500);
        }
        const sandbox = await Sandbox.connect(sandboxId, { provider });
        expect(
          await python(sandbox, "print(step == int(open('step').read()), step in (1, 2))"),
        ).toBe("True True\n");
        expect(await sandbox.history()).toHaveLength(2);
        await sandbox.kill();
      }
    },
  );

  afterAll(clear);
});
