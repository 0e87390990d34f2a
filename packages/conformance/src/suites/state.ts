import { EmberboxError, Sandbox } from "@emberbox/core";
import { delay, printed, type Harness } from "../harness.ts";

interface Begun {
  readonly pid: number;
  readonly kernel: string | undefined;
  /** The next line of the open file. */
  readonly line: string;
}

/** Starts what must survive: a variable, an open file, a process, a server. */
async function begin(sandbox: Sandbox): Promise<Begun> {
  await sandbox.files.write("numbers.txt", "one\ntwo\nthree\n");
  await sandbox.runCode("lines = open('numbers.txt'); first = lines.readline(); import os");
  const server = await sandbox.commands.run("python3 -m http.server 8123", { background: true });
  await sandbox.commands.run("until curl -s -o /dev/null localhost:8123; do sleep 0.2; done");
  const { text: kernel } = await sandbox.runCode("os.getpid()");
  return { pid: server.pid, kernel, line: "two\\n" };
}

async function goesOn({ expect }: Harness, sandbox: Sandbox, begun: Begun): Promise<void> {
  const { text } = await sandbox.runCode("(first, lines.readline(), os.getpid())");
  expect(text).toBe(`('one\\n', '${begun.line}', ${begun.kernel})`);
  const { stdout } = await sandbox.commands.run("curl -s localhost:8123/numbers.txt");
  expect(stdout).toBe("one\ntwo\nthree\n");
  expect((await sandbox.commands.list()).map(({ pid }) => pid)).toContain(begun.pid);
}

const DRAW = `
import os, random, uuid, numpy, secrets
print(os.urandom(16).hex(), random.random(), numpy.random.rand(), uuid.uuid4(), secrets.token_hex(8))
print(open("/proc/sys/kernel/random/uuid").read(), open("/etc/machine-id").read())
`;

/** A machine that was booted loads its libraries anew, which takes a busy one minutes. */
const BOOT_MS = 240_000;

export function describeState(harness: Harness): void {
  describePause(harness);
  describeSnapshots(harness);
  describeForks(harness);
}

function describePause(harness: Harness): void {
  const { expect, behaviour, failure, provider, create } = harness;

  behaviour("pause.goes-on", async () => {
    await using sandbox = await create();
    const begun = await begin(sandbox);
    expect([await sandbox.pause(), await sandbox.pause()]).toEqual([true, false]);
    await sandbox.connect();
    await goesOn(harness, sandbox, begun);
    await sandbox.pause();
    const again = await Sandbox.connect(sandbox.sandboxId, { provider: provider() });
    await goesOn(harness, again, { ...begun, line: "three\\n" });
  });

  behaviour("pause.kept-for", async () => {
    await using sandbox = await create({ lifecycle: { pausedTtlMs: 3_600_000 } });
    expect((await sandbox.getInfo()).expiresAt).toBe(undefined);
    await sandbox.pause();
    const { endAt, expiresAt } = await sandbox.getInfo();
    expect(expiresAt!.getTime() - endAt.getTime()).toBe(3_600_000);
  });

  behaviour("pause.calls", async () => {
    await using sandbox = await create();
    const going = Promise.withResolvers<void>();
    const running = failure(
      sandbox.runCode("import os, time\nos.write(1, b'going\\n')\ntime.sleep(60)", {
        onStdout: () => going.resolve(),
      }),
      "sandbox_paused",
    );
    await going.promise;
    await sandbox.pause();
    expect(printed((await running).details["execution"] as never)).toBe("going\n");
    await failure(sandbox.runCode("1"), "sandbox_paused");
    await failure(sandbox.files.read("/etc/hostname"), "sandbox_paused");
    await failure(sandbox.commands.run("true"), "sandbox_paused");
    expect(await sandbox.isRunning()).toBe(false);
  });

  behaviour("pause.listed", async () => {
    const sandbox = await create({ metadata: { purpose: "pause" } });
    const { sandboxId } = sandbox;
    await sandbox.pause();
    const listed = (await Sandbox.list({ provider: provider() })).filter(
      (info) => info.sandboxId === sandboxId,
    );
    expect(listed.map(({ state, metadata }) => [state, metadata["purpose"]])).toEqual([
      ["paused", "pause"],
    ]);
    expect((await sandbox.getInfo()).state).toBe("paused");
    expect([await sandbox.kill(), await sandbox.kill()]).toEqual([true, false]);
    await failure(Sandbox.connect(sandboxId, { provider: provider() }), "sandbox_not_found");
  });

  behaviour("pause.set-right", async () => {
    await using sandbox = await create();
    const before = printed(await sandbox.runCode(DRAW)).split(/\s+/);
    await sandbox.runCode("state = random.getstate()");
    await sandbox.pause();
    await delay(2000);
    await sandbox.connect();
    const asked = Date.now();
    const now = Number((await sandbox.runCode("import time; time.time() * 1000")).text);
    // Between the call and its answer, however long that takes.
    expect(now).toBeGreaterThan(asked - 1000);
    expect(now).toBeLessThan(Date.now() + 1000);
    expect((await sandbox.runCode("random.getstate() == state")).text).toBe("False");
    const after = new Set(printed(await sandbox.runCode(DRAW)).split(/\s+/));
    expect(before.filter((drawn) => drawn !== "" && after.has(drawn))).toEqual([]);
  });

  behaviour("pause.disk-only", async () => {
    await using sandbox = await create();
    await sandbox.files.write("kept.txt", "kept");
    await sandbox.runCode("forgotten = 1");
    await sandbox.pause({ keepMemory: false });
    await sandbox.connect();
    expect(await sandbox.files.read("kept.txt")).toBe("kept");
    const { error } = await sandbox.runCode("forgotten", { timeoutMs: BOOT_MS });
    expect(error?.name).toBe("NameError");
  });

  behaviour("pause.on-timeout", async () => {
    const lifecycle = { onTimeout: "pause", autoResume: true } as const;
    // Where its end can be moved, a slow machine has all the time it needs before.
    const isMovable = provider().capabilities.setTimeout;
    await using sandbox = await create({ timeoutMs: isMovable ? 300_000 : 10_000, lifecycle });
    await sandbox.runCode("kept = 42");
    if (isMovable) await sandbox.setTimeout(1000);
    for (let waited = 0; (await sandbox.getInfo()).state === "running"; waited++) {
      expect(waited).toBeLessThan(100);
      await delay(200);
    }
    expect((await sandbox.getInfo()).lifecycle).toEqual(lifecycle);
    expect((await sandbox.runCode("kept")).text).toBe("42");
    await failure(create({ lifecycle: { autoResume: true } }), "invalid_argument");
    await failure(create({ lifecycle: { ...lifecycle, keepMemory: false } }), "invalid_argument");
  });
}

function describeSnapshots({ expect, behaviour, failure, provider, create }: Harness): void {
  behaviour("snapshot.create", async () => {
    await using sandbox = await create();
    await sandbox.runCode("prepared = list(range(1000)); open('prepared.txt', 'w').write('disk')");
    const { snapshotId } = await sandbox.createSnapshot();
    await sandbox.runCode("prepared.append('later')");
    expect((await sandbox.runCode("len(prepared)")).text).toBe("1001");
    const draws: string[] = [];
    for (const name of ["a", "b"]) {
      await using copy = await create({ template: snapshotId, envs: { NAME: name } });
      const { text } = await copy.runCode(
        "import os; (len(prepared), open('prepared.txt').read(), os.environ['NAME'])",
      );
      expect(text).toBe(`(1000, 'disk', '${name}')`);
      draws.push(
        ...printed(await copy.runCode(DRAW))
          .trim()
          .split(/\s+/),
      );
    }
    expect(new Set(draws).size).toBe(draws.length);
    await Sandbox.deleteSnapshot(snapshotId, { provider: provider() });
  });

  behaviour("snapshot.listed", async () => {
    await using sandbox = await create();
    const [first, second] = [
      await sandbox.createSnapshot({ name: "conformance" }),
      await sandbox.createSnapshot({ name: "conformance" }),
    ];
    const listed = await sandbox.listSnapshots();
    expect(listed.map(({ snapshotId, names }) => [snapshotId, names])).toEqual([
      [second.snapshotId, ["conformance"]],
      [first.snapshotId, []],
    ]);
    expect(listed[0]!.sandboxId).toBe(sandbox.sandboxId);
    const all = await Sandbox.listSnapshots({ provider: provider(), name: "conformance" });
    expect(all.map(({ snapshotId }) => snapshotId)).toEqual([second.snapshotId]);
    const remove = (id: string): Promise<boolean> =>
      Sandbox.deleteSnapshot(id, { provider: provider() });
    expect(await remove("conformance")).toBe(true);
    expect([await remove(first.snapshotId), await remove(first.snapshotId)]).toEqual([true, false]);
    expect(await sandbox.listSnapshots()).toEqual([]);
    await failure(create({ template: first.snapshotId }), "unknown_template");
    await failure(sandbox.createSnapshot({ name: "../up" }), "invalid_argument");
  });
}

function describeForks({ expect, behaviour, failure, create }: Harness): void {
  behaviour("fork.copies", async () => {
    await using sandbox = await create();
    await sandbox.runCode("prepared = 42; import random");
    const copies = await sandbox.fork({ count: 2 });
    const failed = copies.find((copy) => copy instanceof EmberboxError);
    if (failed) throw failed;
    const sandboxes = [sandbox, ...(copies as Sandbox[])];
    const draws: string[] = [];
    for (const each of sandboxes) {
      expect((await each.runCode("prepared")).text).toBe("42");
      draws.push(
        ...printed(await each.runCode(DRAW))
          .trim()
          .split(/\s+/),
      );
      await each.runCode(`prepared = '${each.sandboxId}'`);
    }
    expect(new Set(draws).size).toBe(draws.length);
    for (const each of sandboxes)
      expect((await each.runCode("prepared")).text).toBe(`'${each.sandboxId}'`.slice(1, -1));
    await Promise.all((copies as Sandbox[]).map((copy) => copy.kill()));
    expect((await sandbox.runCode("1+1")).text).toBe("2");
    await failure(sandbox.fork({ count: 0 }), "invalid_argument");
  });
}
