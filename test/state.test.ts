import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { pbkdf2 } from "node:crypto";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { EmberboxError, Sandbox } from "@emberbox/core";
import { microvm } from "@emberbox/microvm";
import { afterEach, describe, expect, onTestFinished, test } from "vitest";
import { paths } from "../packages/microvm/src/host/paths.ts";
import { createSandbox, oddShape, provider, python } from "./support/sandboxes.ts";
import { SOURCE, sourceNode } from "../scripts/source.ts";

const state = paths().state;
const rejection = (promise: Promise<unknown>): Promise<EmberboxError> =>
  promise.then(
    () => Promise.reject(new Error("it did not reject")),
    (error: EmberboxError) => error,
  );

function program(
  ...args: string[]
): ChildProcess & { stdout: NonNullable<ChildProcess["stdout"]> } {
  const script = join(import.meta.dirname, "support/pauser.ts");
  return spawn(sourceNode, [SOURCE, script, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  }) as never;
}

/** Files of a directory of the state, links to a template's aside. */
const filesOf = (directory: string): string[] =>
  readdirSync(directory).filter((name) => name !== "base" && name !== "lock");

/** None where nothing was ever made. */
const entriesOf = (directory: string): string[] =>
  existsSync(directory) ? readdirSync(directory) : [];

afterEach(async () => {
  for (const { snapshotId } of await Sandbox.listSnapshots({ provider }))
    await Sandbox.deleteSnapshot(snapshotId, { provider });
  for (const kind of ["snapshots", "forks"]) expect(entriesOf(join(state, kind))).toEqual([]);
});

describe("a paused sandbox", () => {
  test("is resumed by another program, and by one of two that want it", async () => {
    const pausing = program("pause");
    const id = (await text(pausing.stdout)).trim();
    const answers = await Promise.all(
      [program("resume", id), program("resume", id)].map(async (each) =>
        (await text(each.stdout)).trim(),
      ),
    );
    expect(answers.toSorted()).toEqual(["resumed 42", "sandbox_not_found"]);
    // The one that had it has paused it again.
    await using sandbox = await Sandbox.connect(id, { provider });
    expect(await python(sandbox, "print(kept)")).toBe("42\n");
  });

  test("lets nobody but its user look, and is gone when it is killed", async () => {
    const sandbox = await createSandbox();
    await sandbox.pause();
    const directory = join(state, "paused", sandbox.sandboxId);
    expect(statSync(directory).mode & 0o077).toBe(0);
    for (const name of filesOf(directory))
      expect(statSync(join(directory, name)).mode & 0o077).toBe(0);
    expect(await sandbox.kill()).toBe(true);
    expect(readdirSync(join(state, "paused"))).not.toContain(sandbox.sandboxId);
  });

  test("keeps its token, its variables and its metadata", async () => {
    await using sandbox = await createSandbox({ envs: { A: "1" }, metadata: { b: "2" } });
    const before = await provider.connect(sandbox.sandboxId);
    await sandbox.pause();
    await sandbox.connect({ timeoutMs: 500_000 });
    expect((await provider.connect(sandbox.sandboxId)).accessToken).toBe(before.accessToken);
    expect((await sandbox.commands.run("echo $A")).stdout).toBe("1\n");
    const info = await sandbox.getInfo();
    expect(info.metadata).toEqual({ b: "2" });
    expect(info.endAt.getTime()).toBeGreaterThan(Date.now() + 400_000);
  });

  test("is resumed by a connection to its url, where it resumes by itself", async () => {
    const lifecycle = { onTimeout: "pause", autoResume: true } as const;
    await using sandbox = await createSandbox({ lifecycle });
    await python(
      sandbox,
      `import http.server, threading
web = http.server.HTTPServer(("127.0.0.1", 8600), http.server.SimpleHTTPRequestHandler)
threading.Thread(target=web.serve_forever).start()`,
    );
    const url = await sandbox.url(8600);
    expect((await fetch(url)).status).toBe(200);
    await sandbox.pause();
    expect((await fetch(url)).status).toBe(200);
    expect((await sandbox.getInfo()).state).toBe("running");
  });

  test("stays paused when nobody waits for it any more, and runs while somebody does", async () => {
    await using sandbox = await createSandbox();
    await sandbox.runCode("kept = 42");
    await sandbox.pause();
    const resume = (): [Promise<Sandbox>, AbortController] => {
      const controller = new AbortController();
      return [sandbox.connect({ signal: controller.signal }), controller];
    };
    const [only, giveUp] = resume();
    setTimeout(() => giveUp.abort(new Error("enough")), 30);
    await expect(only).rejects.toThrow("enough");
    expect((await sandbox.getInfo()).state).toBe("paused");

    const [first, giveUpFirst] = resume();
    const [second] = resume();
    setTimeout(() => giveUpFirst.abort(new Error("enough")), 30);
    await expect(first).rejects.toThrow("enough");
    await second;
    expect(await python(sandbox, "print(kept)")).toBe("42\n");
  });

  test("rejects once when its machine ends while its memory is being read", async () => {
    await using sandbox = await createSandbox();
    await sandbox.pause();
    const controller = new AbortController();
    const began = (): void => {
      // Node reads files in four threads. Busy ones let the machine end before the memory is read.
      for (let job = 0; job < 8; job++) pbkdf2("", "", 400_000, 64, "sha512", () => {});
      controller.abort(new Error("enough"));
    };
    subscribe("emberbox.channel", began);
    onTestFinished(() => void unsubscribe("emberbox.channel", began));
    await expect(sandbox.connect({ signal: controller.signal })).rejects.toThrow("enough");
    unsubscribe("emberbox.channel", began);
    expect((await sandbox.getInfo()).state).toBe("paused");
  });

  test("is gone when it is killed while it is being resumed", async () => {
    const sandbox = await createSandbox();
    await sandbox.pause();
    const resuming = sandbox.connect().catch(({ code }: EmberboxError) => code);
    await delay(100);
    expect(await Sandbox.kill(sandbox.sandboxId, { provider })).toBe(true);
    // Whichever came first.
    expect([sandbox, "sandbox_closed"]).toContain(await resuming);
    const listed = (await provider.list()).map(({ sandboxId }) => sandboxId);
    expect(listed).not.toContain(sandbox.sandboxId);
    expect((await rejection(sandbox.runCode("1"))).code).toBe("sandbox_closed");
  });

  test("can be booted from its disk, though its memory was kept", async () => {
    await using sandbox = await createSandbox();
    await sandbox.files.write("kept.txt", "kept");
    await sandbox.runCode("forgotten = 1");
    await sandbox.pause();
    await sandbox.connect({ onResume: "reboot" });
    expect(await sandbox.files.read("kept.txt")).toBe("kept");
    // It loads its libraries anew.
    const { error } = await sandbox.runCode("forgotten", { timeoutMs: 240_000 });
    expect(error?.name).toBe("NameError");
    // A machine that was booted can be paused as any other.
    await sandbox.runCode("anew = 2");
    await sandbox.pause();
    await sandbox.connect();
    expect(await python(sandbox, "print(anew)")).toBe("2\n");
  });
});

describe("what is damaged is named, and nothing of it is used", () => {
  const harms: Record<string, (path: string) => void> = {
    "cut short": (path) => truncateSync(path, Math.floor(statSync(path).size / 2)),
    "of other bytes": (path) => {
      const file = openSync(path, "r+");
      const byte = Buffer.alloc(1);
      const at = Math.floor(statSync(path).size / 3);
      readSync(file, byte, 0, 1, at);
      byte[0]! ^= 0x10;
      writeSync(file, byte, 0, 1, at);
      closeSync(file);
    },
  };
  test.for(Object.keys(harms))("when a file is %s", async (harm) => {
    await using sandbox = await createSandbox();
    const { snapshotId } = await sandbox.createSnapshot();
    const kinds = filesOf(join(state, "snapshots", snapshotId)).map((name) =>
      name.replace(/-[0-9a-f]{16}/, ""),
    );
    expect(kinds.toSorted()).toEqual([
      "disk.qcow2",
      "manifest.json",
      "memory",
      "memory.index",
      "state",
    ]);
    for (const kind of kinds) {
      const snapshot = await sandbox.createSnapshot({ name: "victim" });
      const directory = join(state, "snapshots", snapshot.snapshotId);
      // The layer on top is this snapshot's own.
      const names = filesOf(directory).filter((name) => name.replace(/-[0-9a-f]{16}/, "") === kind);
      const own = names.find((name) => statSync(join(directory, name)).nlink === 1)!;
      harms[harm]!(join(directory, own));
      const error = await rejection(createSandbox({ template: snapshot.snapshotId }));
      expect(error.code, `${kind}: ${error.message}`).toBe("snapshot_damaged");
      expect(error.message).toContain(snapshot.snapshotId);
      const listed = await Sandbox.listSnapshots({ provider });
      expect(listed.map((each) => each.snapshotId)).toContain(snapshot.snapshotId);
      expect(await Sandbox.deleteSnapshot(snapshot.snapshotId, { provider })).toBe(true);
    }
    // The others are unharmed.
    await using copy = await createSandbox({ template: snapshotId });
    expect(await python(copy, "print(1)")).toBe("1\n");
  });

  test("when a paused sandbox's file is; it can still be killed", async () => {
    const sandbox = await createSandbox();
    await sandbox.pause();
    const directory = join(state, "paused", sandbox.sandboxId);
    const memory = filesOf(directory).find((name) => /^memory-\w+$/.test(name))!;
    harms["of other bytes"]!(join(directory, memory));
    expect((await rejection(sandbox.connect())).code).toBe("snapshot_damaged");
    expect((await rejection(sandbox.connect())).code).toBe("snapshot_damaged");
    expect(await sandbox.kill()).toBe(true);
  });
});

/** What a copy of a snapshot has. */
async function shown(template: string): Promise<string> {
  await using copy = await createSandbox({ template });
  const names = "sorted(f for f in os.listdir() if f.endswith('.txt'))";
  return await python(copy, `print(abs(data.sum() - total) < 1e-6, *${names})`);
}

const remove = (id: string): Promise<boolean> => Sandbox.deleteSnapshot(id, { provider });

describe("snapshots", () => {
  test("form chains that take what changed, and are deleted in any order", async () => {
    await using first = await createSandbox();
    await first.runCode(
      "import os, numpy; data = numpy.random.rand(8 * 2**20); total = data.sum()",
    );
    await first.files.write("one.txt", "one");
    const one = await first.createSnapshot();
    await using second = await createSandbox({ template: one.snapshotId });
    await second.files.write("two.txt", "two");
    const two = await second.createSnapshot();
    await using third = await createSandbox({ template: two.snapshotId });
    await third.files.write("three.txt", "three");
    const three = await third.createSnapshot();
    // 64 MiB of numbers are in the first, and in the first only.
    expect(one.sizeBytes).toBeGreaterThan(64 * 2 ** 20);
    for (const each of [two, three]) expect(each.sizeBytes).toBeLessThan(64 * 2 ** 20);
    // One running sandbox's snapshots form a chain too.
    const again = await third.createSnapshot();
    expect(again.sizeBytes).toBeLessThan(32 * 2 ** 20);

    expect(await remove(two.snapshotId)).toBe(true);
    expect(await shown(three.snapshotId)).toBe("True one.txt three.txt two.txt\n");
    expect(await remove(one.snapshotId)).toBe(true);
    expect(await shown(three.snapshotId)).toBe("True one.txt three.txt two.txt\n");
    // What a running sandbox came from may go; it can be saved all the same.
    const after = await second.createSnapshot();
    expect(await remove(three.snapshotId)).toBe(true);
    expect(await shown(after.snapshotId)).toBe("True one.txt two.txt\n");
    await third.pause();
    await third.connect();
    expect(await python(third, "print(abs(data.sum() - total) < 1e-6)")).toBe("True\n");
  });

  // A template is warmed for it.
  test(
    "live on when the caches are cleared away, as sandboxes do, and have a shape of their own",
    { timeout: 900_000 },
    async () => {
      const shape = { ...oddShape, diskMB: 8192 };
      const timeoutMs = 900_000;
      await using sandbox = await createSandbox({ ...shape, timeoutMs });
      await sandbox.runCode("kept = 42");
      const { snapshotId } = await sandbox.createSnapshot({ name: "shaped" });
      const { templates } = paths();
      // Put aside and not removed: warming it again takes minutes.
      const aside = mkdtempSync(`${templates}-aside-`);
      onTestFinished(() => rmSync(aside, { recursive: true, force: true }));
      for (const name of readdirSync(templates))
        if (name.includes(`-${shape.memoryMB}mb-`) && !name.endsWith(".lock"))
          renameSync(join(templates, name), join(aside, name));
      await using copy = await createSandbox({ template: "shaped", timeoutMs });
      expect(await python(copy, "print(kept)")).toBe("42\n");
      expect(await copy.getInfo()).toMatchObject({ ...shape, template: "shaped" });
      await using larger = await createSandbox({
        template: snapshotId,
        diskMB: 10_240,
        timeoutMs,
      });
      const { stdout } = await larger.commands.run("df -BM --output=size / | tail -1 | tr -d M");
      expect(Number(stdout)).toBeGreaterThan(9500);
      expect((await rejection(createSandbox({ template: snapshotId, memoryMB: 1024 }))).code).toBe(
        "invalid_argument",
      );
      // The one that runs lost its template; it is paused with what it has open.
      await sandbox.pause();
      await sandbox.connect();
      expect(await python(sandbox, "print(kept)")).toBe("42\n");
      for (const name of readdirSync(aside))
        if (!existsSync(join(templates, name)))
          renameSync(join(aside, name), join(templates, name));
      await using anew = await createSandbox({ ...shape, timeoutMs });
      expect(await python(anew, "print('kept' in globals())")).toBe("False\n");
      expect(await python(sandbox, "print(kept)")).toBe("42\n");
    },
  );

  test("do not harm calls that run", async () => {
    await using sandbox = await createSandbox();
    const counting = sandbox.runCode(
      "import time\nfor i in range(30): print(i, flush=True); time.sleep(0.1)\n'counted'",
    );
    const background = await sandbox.commands.run(
      "for i in $(seq 20); do echo $i; sleep 0.1; done",
      { background: true },
    );
    await sandbox.createSnapshot();
    await sandbox.createSnapshot();
    const counted = await counting;
    expect(counted.text).toBe("counted");
    expect(counted.logs.stdout.join("").trim().split("\n")).toHaveLength(30);
    expect((await background.wait()).stdout.trim().split("\n")).toHaveLength(20);
  });
});

describe("a full disk", () => {
  test("is reported, and the sandbox goes on with its calls", async ({ skip }) => {
    if (process.getuid?.() !== 0) {
      if (process.env["EMBERBOX_REQUIRE"]?.includes("root"))
        throw new Error("root is required here");
      skip("only root can mount a small file system to fill");
    }
    const home = mkdtempSync(join(tmpdir(), "emberbox-full-"));
    const small = join(home, "state");
    mkdirSync(small);
    for (const name of ["images", "templates"])
      symlinkSync(join(paths().home, name), join(home, name));
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64m,mode=0700", "tmpfs", small]);
    try {
      await using own = microvm({ home });
      await using sandbox = await Sandbox.create({
        provider: own,
        timeoutMs: 600_000,
        lifecycle: { onTimeout: "pause" },
      });
      const counting = sandbox.runCode(
        "import time\nfor i in range(30): time.sleep(0.1)\n'counted'",
      );
      for (const work of [sandbox.pause(), sandbox.createSnapshot(), sandbox.fork()])
        expect(await rejection(work)).toMatchObject({ code: "host_disk_full" });
      expect((await counting).text).toBe("counted");
      // At the end of its time it would be lost, so it goes on.
      await sandbox.setTimeout(1);
      await new Promise((resolve) => setTimeout(resolve, 5000));
      expect(await python(sandbox, "print(1)")).toBe("1\n");
      for (const kind of ["paused", "snapshots", "forks"])
        expect(readdirSync(join(small, kind))).toEqual([]);
    } finally {
      execFileSync("umount", [small]);
      rmSync(home, { recursive: true });
    }
  });
});

describe("forks", () => {
  const DRAWN_ON =
    "from=$(wc -l < draws.txt); until [ $(wc -l < draws.txt) -gt $((from + 20)) ]; do sleep 0.2; done";
  const DRAWS = `import os, random, uuid, numpy, secrets
print(os.urandom(8).hex(), random.random(), numpy.random.rand(), uuid.uuid4(), secrets.token_hex(8), open("/proc/sys/kernel/random/uuid").read().strip(), open("/etc/machine-id").read().strip(), os.uname().nodename)`;

  test("of three never agree on a random number, also of a process that was running", async () => {
    await using sandbox = await createSandbox();
    await sandbox.runCode("import random, numpy; random.random(), numpy.random.rand()");
    // It draws all the time, from the first moment of each copy on.
    await sandbox.files.write(
      "draw.sh",
      "while :; do cat /proc/sys/kernel/random/uuid; done > draws.txt\n",
    );
    const drawing = await sandbox.commands.run("bash draw.sh", { background: true });
    await python(sandbox, "import time; time.sleep(1)");
    const copies = (await sandbox.fork({ count: 3 })) as Sandbox[];
    const all = [sandbox, ...copies];
    const pids = await Promise.all(
      all.map(async (each) => (await each.commands.list()).map(({ pid }) => pid)),
    );
    for (const list of pids) expect(list).toContain(drawing.pid);
    const draws = await Promise.all(
      all.map(async (each) => (await python(each, DRAWS)).trim().split(" ")),
    );
    expect(new Set(draws.flat())).toHaveLength(all.length * 8);
    const drawn = await Promise.all(
      all.map(async (each) =>
        (await each.commands.run(`${DRAWN_ON}; tail -c 200000 draws.txt`)).stdout
          .trim()
          .split("\n")
          .slice(1),
      ),
    );
    const before = new Set((await sandbox.files.read("draws.txt")).split("\n"));
    for (const [index, lines] of drawn.entries()) {
      expect(lines.length).toBeGreaterThan(10);
      for (const other of drawn.slice(index + 1)) {
        // What was drawn before the fork is in all of them.
        const shared = other.filter((line) => lines.includes(line));
        for (const line of shared) expect(before.has(line)).toBe(true);
      }
    }
    for (const copy of copies) await copy.kill();
  });

  test("say when there is not the memory for them", async () => {
    await using sandbox = await createSandbox();
    const timeoutMs = 240_000;
    await sandbox.runCode("import numpy; x = numpy.random.rand(32 * 2**20)", { timeoutMs });
    const error = await rejection(sandbox.fork({ count: 100 }));
    expect(error).toMatchObject({ code: "host_out_of_memory" });
    expect(await python(sandbox, "print(len(x) == 32 * 2**20)")).toBe("True\n");
  });
});

describe("a program that is killed while it pauses a sandbox", () => {
  test(
    "leaves it paused or gone, never half, and no file behind",
    { timeout: 900_000 },
    async () => {
      const outcomes = new Set<string>();
      for (const killed of [0, 40, 120, 250, 500, "paused"]) {
        const made = program("pause");
        const id = (await text(made.stdout)).trim();
        const child = program("pause-for-ever", id);
        const said = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
        expect((await said.next()).value).toBe("pausing");
        if (typeof killed === "number") await delay(killed);
        else expect((await said.next()).value).toBe(killed);
        child.kill("SIGKILL");
        await once(child, "exit");
        // Opening the engine clears away what the dead program left.
        await using own = microvm();
        await (await Sandbox.create({ provider: own })).kill();
        const left = readdirSync(join(state, "paused")).filter((name) => name.startsWith("."));
        expect(left).toEqual([]);
        const found = await Sandbox.connect(id, { provider: own }).catch(
          (error: EmberboxError) => error.code,
        );
        if (typeof found === "string") expect(found).toBe("sandbox_not_found");
        else expect(await python(found, "print(kept)")).toBe("43\n");
        outcomes.add(typeof found);
        if (typeof found !== "string") await found.kill();
      }
      // Early it was gone with its program; late it was kept.
      expect([...outcomes].toSorted()).toEqual(["object", "string"]);
    },
  );
});
