import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { Sandbox, Volume } from "@emberbox/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { paths } from "../packages/microvm/src/host/paths.ts";
import { SOURCE, sourceNode } from "../scripts/source.ts";
import { provider } from "./support/sandboxes.ts";

const MOUNT = "/mnt/data";
const NAME = `shared-${process.pid}`;
const MIB = 1024 * 1024;

/** What a command in the volume prints. */
async function sh(sandbox: Sandbox, command: string, user = "user"): Promise<string> {
  const { stdout, stderr, exitCode } = await sandbox.commands.run(command, {
    ...{ cwd: MOUNT, user, timeoutMs: 0 },
  });
  if (exitCode !== 0) throw new Error(stderr);
  return stdout.trim();
}

describe("a volume", () => {
  let volume: Volume;
  let one: Sandbox;
  let two: Sandbox;
  const file = (name: string): string =>
    join(paths().state, "volumes", volume.volumeId, "files", name);

  beforeAll(async () => {
    volume = await Volume.create(NAME, { provider, sizeMB: 40 });
    const create = (): Promise<Sandbox> =>
      Sandbox.create({ provider, volumeMounts: { [MOUNT]: volume }, timeoutMs: 3_600_000 });
    [one, two] = await Promise.all([create(), create()]);
  });
  afterAll(async () => {
    for (const sandbox of [one, two]) await Sandbox.kill(sandbox.sandboxId, { provider });
  });

  test("is seen by two sandboxes at once, by the files API, and by the program", async () => {
    await one.files.write(`${MOUNT}/a.txt`, "from one");
    expect(await sh(two, "cat a.txt")).toBe("from one");
    await sh(two, "echo from two > a.txt; echo more >> a.txt");
    expect(await one.files.read(`${MOUNT}/a.txt`)).toBe("from two\nmore\n");
    expect(await volume.readFile("/a.txt")).toBe("from two\nmore\n");
    await volume.writeFile("/b.txt", "from the program");
    expect(await sh(one, "cat b.txt; rm b.txt")).toBe("from the program");
    await sh(one, "mkdir -p d/e && mv a.txt d/e/b.txt");
    expect(await sh(two, "find . -type f")).toBe("./d/e/b.txt");
    await sh(two, "rm -r d");
    expect(await sh(one, "ls -A")).toBe("");
    expect(await Sandbox.list({ provider })).toContainEqual(
      expect.objectContaining({ volumeMounts: { [MOUNT]: NAME } }),
    );
  });

  test("has permissions, and one owner", async () => {
    await sh(one, "touch f && chmod 640 f && mkdir -m 750 d && ln -s f l && ln f h");
    expect(await sh(two, "stat -c '%n %a %U %h' d f h l")).toBe(
      "d 750 user 2\nf 640 user 2\nh 640 user 2\nl 777 user 1",
    );
    expect(statSync(file("f")).mode & 0o7777).toBe(0o640);
    expect(await sh(one, "touch r && stat -c %U r", "root")).toBe("user");
    await expect(sh(one, "chown root f", "root")).rejects.toThrow("Operation not permitted");
    expect(await sh(one, "chmod 4755 f && stat -c %a f")).toBe("755");
    await expect(sh(one, "mkfifo p")).rejects.toThrow("Operation not permitted");
    await sh(two, "rm -r d f h l r");
  });

  test("loses nothing that two append at once", async () => {
    const append = (sandbox: Sandbox, word: string) =>
      sh(sandbox, `for i in $(seq 20); do echo ${word} $i >> log; done`);
    await Promise.all([append(one, "one"), append(two, "two")]);
    expect(await sh(one, "wc -l < log; sort -u log | wc -l")).toBe("40\n40");
    await sh(one, "rm log");
  });

  test("holds repositories, databases, and files that have lost their names", async () => {
    await sh(one, "git init -q r && cd r && git config user.email a@b.c && git config user.name a");
    await sh(one, "cd r && echo text > f && git add f && git commit -qm first && git fsck");
    expect(await sh(two, "cd r && git log --format=%s && git status --short")).toBe("first");
    const database = `import sqlite3
d = sqlite3.connect("db")
d.execute("pragma journal_mode=wal")
d.execute("create table t (x)")
with d: d.executemany("insert into t values (?)", [(n,) for n in range(1000)])
print(d.execute("select sum(x) from t").fetchone()[0])
import tempfile
with tempfile.TemporaryFile(dir=".") as f:
    f.write(b"x" * 100000); f.seek(0); print(len(f.read()))`;
    expect(await sh(one, `python3 - <<'END'\n${database}\nEND`)).toBe("499500\n100000");
    expect(
      await sh(
        two,
        `python3 -c 'import sqlite3; print(sqlite3.connect("db").execute("select count(*) from t").fetchone())'`,
      ),
    ).toBe("(1000,)");
    await sh(two, "rm -rf r db*");
  });

  test("takes many small files, and a large one", async () => {
    await sh(one, "mkdir many && cd many && for i in $(seq 100); do echo $i > $i; done");
    expect(await sh(two, "ls many | wc -l; cat many/77")).toBe("100\n77");
    await sh(
      one,
      "rm -r many && head -c 31M /dev/zero > large && head -c 1M /dev/urandom >> large",
    );
    const sum = createHash("sha256")
      .update(readFileSync(file("large")))
      .digest("hex");
    expect(await sh(two, "sha256sum large")).toContain(sum);
    await sh(one, "rm large");
  });

  test("has no more than its size", async () => {
    expect(await sh(one, "df -B1 --output=size . | tail -1")).toBe(String(40 * MIB));
    await expect(sh(one, "truncate -s 39M full && head -c 2M /dev/zero >> full")).rejects.toThrow(
      "No space left",
    );
    expect(statSync(file("full")).size).toBe(40 * MIB);
    await expect(one.files.write(`${MOUNT}/more`, "more")).rejects.toMatchObject({
      code: "disk_full",
    });
    await sh(two, "rm -f full more");
    expect(await sh(one, "df -B1 --output=avail . | tail -1")).toBe(String(40 * MIB));
  });

  test("is mounted in forks, and in a sandbox that is resumed, with what was open", async () => {
    await one.runCode(`f = open("${MOUNT}/open", "w+"); f.write("before "); f.flush()`);
    const [fork] = await one.fork();
    if (!(fork instanceof Sandbox)) throw fork;
    await fork.commands.run(`echo from the fork > ${MOUNT}/fork`);
    await fork.kill();
    await one.pause();
    await sh(two, "echo meanwhile > new");
    one = await Sandbox.connect(one.sandboxId, { provider });
    const { logs, error } = await one.runCode(
      `f.write("after"); f.flush(); f.seek(0); print(f.read(), open("${MOUNT}/new").read())`,
    );
    expect(error).toBeUndefined();
    expect(logs.stdout.join("")).toBe("before after meanwhile\n\n");
    expect(await sh(two, "cat open fork")).toBe("before afterfrom the fork");
  });

  test("is mounted in a sandbox that another program resumes", async () => {
    const program = `
      import { Sandbox } from "@emberbox/core";
      import { microvm } from "@emberbox/microvm";
      const provider = microvm();
      const sandbox = await Sandbox.connect(process.argv[1], { provider });
      const { logs } = await sandbox.runCode('f.write(" again"); f.flush(); print(open("${MOUNT}/new").read())');
      console.log(logs.stdout.join("").trim());
      await sandbox.kill();
      await provider[Symbol.asyncDispose]();
    `;
    await one.pause();
    const said = execFileSync(
      sourceNode,
      [SOURCE, "--input-type=module", "-e", program, one.sandboxId],
      { cwd: import.meta.dirname, encoding: "utf8" },
    );
    expect(said.trim()).toBe("meanwhile");
    expect(readFileSync(file("open"), "utf8")).toBe("before after again");
  });

  test("is not destroyed while it is mounted; without it, a sandbox stays paused", async () => {
    await expect(Volume.destroy(NAME, { provider })).rejects.toMatchObject({
      code: "volume_in_use",
    });
    await two.pause();
    expect(await Volume.destroy(NAME, { provider })).toBe(true);
    await expect(Sandbox.connect(two.sandboxId, { provider })).rejects.toMatchObject({
      code: "volume_not_found",
    });
    expect(await Sandbox.list({ provider })).toMatchObject([
      { sandboxId: two.sandboxId, state: "paused" },
    ]);
    const missing = Sandbox.create({ provider, volumeMounts: { [MOUNT]: NAME } });
    await expect(missing).rejects.toMatchObject({ code: "volume_not_found" });
  });
});
