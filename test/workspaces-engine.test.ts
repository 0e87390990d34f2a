import { execFileSync } from "node:child_process";
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { type EmberboxError, Sandbox } from "@emberbox/core";
import type { GuestChanges, WorkspaceMount } from "@emberbox/core/workspace";
import { request } from "undici";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readChanges } from "../packages/core/src/workspace/guest-contents.ts";
import { IgnoreTree } from "../packages/core/src/workspace/ignore-tree.ts";
import { scan } from "../packages/core/src/workspace/scan.ts";
import { paths } from "../packages/microvm/src/host/paths.ts";
import { provider } from "./support/sandboxes.ts";

const ENVD = 49_983;
const GUEST = "/home/user/repo";
const place = realpathSync(mkdtempSync(join(tmpdir(), "emberbox-workspaces-")));
const host = join(place, "repo");
const shelf = join(place, "shelf");
const open = join(place, "open");
afterAll(() => rmSync(place, { recursive: true, force: true }));

const isIgnored = (path: string): boolean => /(^|\/)(\.env|hidden)(\/|$)/.test(path);

async function mountOf(
  host: string,
  guest: string,
  mode: WorkspaceMount["mode"],
): Promise<WorkspaceMount> {
  const { baseline } = await scan(host, { ignore: new IgnoreTree(), secrets: true });
  return { host, guest, mode, baseline, isIgnored };
}

async function ask(sandbox: Sandbox, path: string, body?: unknown): Promise<Buffer> {
  const connection = await provider.connect(sandbox.sandboxId);
  const { origin, headers, dispatcher } = connection.endpoint(ENVD);
  const answer = await request(`${origin}${path}`, {
    ...{ dispatcher, headers: { ...headers, "content-type": "application/json" } },
    ...(body !== undefined && { method: "POST", body: JSON.stringify(body) }),
  });
  const bytes = Buffer.from(await answer.body.arrayBuffer());
  if (answer.statusCode !== 200) throw new Error(bytes.toString());
  return bytes;
}

async function changesOf(sandbox: Sandbox, number = 0): Promise<GuestChanges> {
  const bytes = await ask(sandbox, `/workspaces/${number}/changes`);
  const headers = { "content-type": "application/octet-stream" };
  return readChanges({ headers, body: Readable.from([bytes]) });
}

async function sh(sandbox: Sandbox, command: string, cwd = GUEST, user = "user"): Promise<string> {
  const { stdout, stderr, exitCode } = await sandbox.commands.run(command, {
    ...{ cwd, user, timeoutMs: 0 },
  });
  if (exitCode !== 0) throw new Error(`${command}: ${stderr}`);
  return stdout.trim();
}

async function create(workspaces: readonly WorkspaceMount[], template?: string): Promise<Sandbox> {
  const connection = await provider.create({ workspaces, template, timeoutMs: 3_600_000 });
  return new Sandbox(connection, provider);
}

beforeAll(() => {
  mkdirSync(join(host, "src/deep"), { recursive: true });
  writeFileSync(join(host, "src/main.ts"), "export const one = 1;\n");
  writeFileSync(join(host, "src/deep/file"), "deep\n");
  writeFileSync(join(host, "run.sh"), "#!/bin/sh\necho ran\n", { mode: 0o755 });
  writeFileSync(join(host, "private"), "mine", { mode: 0o600 });
  writeFileSync(join(host, "large"), Buffer.alloc(5_000_000, "large"));
  writeFileSync(Buffer.from(join(host, "odd \xff"), "latin1"), "odd");
  linkSync(join(host, "large"), join(host, "large too"));
  symlinkSync("../../../../etc/passwd", join(host, "out"));
  utimesSync(join(host, "run.sh"), 1_000_000_000, 1_234_567_890.123);
  const git = (...args: string[]): void =>
    void execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b", ...args], { cwd: host });
  git("init", "-q");
  git("add", ".");
  git("commit", "-q", "-m", "first");
  mkdirSync(shelf);
  writeFileSync(join(shelf, "book"), "read me");
  mkdirSync(join(open, "hidden"), { recursive: true });
  mkdirSync(join(open, "with/hidden"), { recursive: true });
  writeFileSync(join(open, "note"), "from the host");
  writeFileSync(join(open, ".env"), "SECRET=1");
  symlinkSync(place, join(open, "up"));
});

describe("folders of the host's", () => {
  let sandbox: Sandbox;
  const live = (command: string): Promise<string> => sh(sandbox, command, "/mnt/open");
  beforeAll(async () => {
    sandbox = await create([
      await mountOf(host, GUEST, "review"),
      await mountOf(open, "/mnt/open", "live"),
      await mountOf(shelf, "/srv/shelf", "readonly"),
    ]);
  });
  afterAll(() => provider.kill(sandbox.sandboxId));

  test("are there as they were", async () => {
    expect(
      await sh(sandbox, "cat src/deep/file; ./run.sh; cat private; cat odd*; readlink out"),
    ).toBe("deep\nran\nmineodd../../../../etc/passwd");
    expect(await sh(sandbox, "stat -c '%a %U %G %s %Y %h' run.sh private 'large too'")).toBe(
      "755 user user 19 1234567890 1\n600 user user 4 " +
        `${Math.floor(lstatSync(join(host, "private")).mtimeMs / 1000)} 1\n` +
        `644 user user 5000000 ${Math.floor(lstatSync(join(host, "large")).mtimeMs / 1000)} 2`,
    );
    expect(await sh(sandbox, "sha256sum < large")).toBe(
      execFileSync("sha256sum", {
        input: Buffer.alloc(5_000_000, "large"),
        encoding: "utf8",
      }).trim(),
    );
    expect(await sh(sandbox, "git status --short; git log --format=%s")).toBe("first");
    expect(await changesOf(sandbox)).toMatchObject({ removed: [] });
    expect(await provider.getInfo(sandbox.sandboxId)).toMatchObject({
      workspaces: [
        { host, guest: GUEST, mode: "review", baseline: expect.stringMatching(/^[0-9a-f]{64}$/) },
        { host: open, guest: "/mnt/open", mode: "live" },
        { host: shelf, guest: "/srv/shelf", mode: "readonly" },
      ],
    });
  });

  test("one that is read only cannot be changed, by anyone", async () => {
    expect(await sh(sandbox, "cat book", "/srv/shelf")).toBe("read me");
    for (const user of ["user", "root"])
      await expect(sh(sandbox, "echo x > book", "/srv/shelf", user)).rejects.toThrow(/Read-only/);
    await expect(sh(sandbox, "ls /run/e2b/workspaces")).rejects.toThrow(/Permission denied/);
  });

  test("changes stay inside, and are told of", async () => {
    await sh(
      sandbox,
      [
        "echo more >> src/main.ts",
        "rm private",
        "mv src/deep src/moved",
        "chmod 700 run.sh",
        "mkdir new && echo new > new/file && ln -s file new/link && mkfifo new/pipe",
        "printf odd2 > $'odd \\xff'",
        "rm large && mkdir large && echo in > large/in",
      ].join(" && "),
    );
    const { removed, entries } = await changesOf(sandbox);
    expect(removed.toSorted()).toEqual(["private", "src/deep"]);
    const told = new Map(entries.map((entry) => [entry.path, entry]));
    expect(told.get("src/main.ts")).toMatchObject({
      type: "file",
      digest: execFileSync("sha256sum", {
        input: "export const one = 1;\nmore\n",
        encoding: "utf8",
      }).slice(0, 64),
    });
    expect(told.get("run.sh")).toMatchObject({ mode: 0o700 });
    expect(told.get("new/link")).toMatchObject({ type: "symlink", target: "file" });
    expect(told.get("new/pipe")).toMatchObject({ type: "other" });
    expect(told.get("odd \xff")).toMatchObject({ type: "file" });
    expect(told.get("large")).toMatchObject({ type: "directory" });
    for (const path of ["src/moved/file", "new", "new/file", "large/in"])
      expect([...told.keys()]).toContain(path);
    expect(told.has("src")).toBe(false);
    expect(readFileSync(join(host, "src/main.ts"), "utf8")).toBe("export const one = 1;\n");
    expect(existsSync(join(host, "private"))).toBe(true);
  });

  test("a file can be read as it came, and as it is", async () => {
    expect(String(await ask(sandbox, "/workspaces/0/original?path=src/main.ts"))).toBe(
      "export const one = 1;\n",
    );
    expect(String(await ask(sandbox, "/workspaces/0/original?path=src%2Fdeep%2Ffile"))).toBe(
      "deep\n",
    );
    expect(String(await ask(sandbox, "/workspaces/0/current?path=odd%20%ff"))).toBe("odd2");
    const many = await ask(sandbox, "/workspaces/0/read", {
      ...{ of: "original", paths: ["private", "odd \xff", "nothing"] },
    });
    expect(many.toString("latin1")).toMatch(/mine.*odd.*"code":404/s);
    for (const path of ["../../etc/passwd", "/etc/passwd", "a/../../b", "", "out"])
      await expect(ask(sandbox, `/workspaces/0/original?path=${path}`)).rejects.toThrow();
    for (const number of [1, 3])
      await expect(changesOf(sandbox, number)).rejects.toThrow(/no copy/);
  });

  test("one that is worked on itself shows both sides' changes, but what is ignored", async () => {
    expect(await live("cat note; echo inside > made; ls -A")).toBe(
      "from the hostmade\nnote\nup\nwith",
    );
    expect(readFileSync(join(open, "made"), "utf8")).toBe("inside\n");
    writeFileSync(join(open, "note"), "changed by the host");
    expect(await live("cat note")).toBe("changed by the host");
    await expect(live("cat .env")).rejects.toThrow(/No such file/);
    for (const command of [
      ...["echo x > .env", "mkdir hidden", "ln -s note .env", "ln note .env", "mv note .env"],
      ...["mkdir new && mkfifo new/.env", "touch with/hidden/x"],
    ])
      await expect(live(command)).rejects.toThrow();
    expect(readFileSync(join(open, ".env"), "utf8")).toBe("SECRET=1");
    // It is copied, and what is hidden stays where it was.
    await expect(live("mv with else && ls -A else")).rejects.toThrow(/not empty|No such/);
    expect(existsSync(join(open, "with/hidden"))).toBe(true);
    // The link is the sandbox's to follow.
    await expect(live(`cat up/shelf/book`)).rejects.toThrow(/No such file/);
  });

  test("are still there after a pause, and in copies", async () => {
    await sandbox.pause();
    await sandbox.connect();
    expect(await sh(sandbox, "cat src/moved/file; cat /srv/shelf/book; cat /mnt/open/note")).toBe(
      "deep\nread mechanged by the host",
    );
    const [fork] = await sandbox.fork({ count: 1 });
    const copy = fork as Sandbox;
    try {
      await sh(copy, "echo of the copy > new/file");
      expect(await sh(sandbox, "cat new/file")).toBe("new");
      expect(String(await ask(copy, "/workspaces/0/original?path=private"))).toBe("mine");
      expect((await changesOf(copy)).removed).toContain("private");
    } finally {
      await copy.kill();
    }
  });

  test("are there again in a sandbox that boots from its disk", async () => {
    await sandbox.pause({ keepMemory: false });
    await sandbox.connect({ onResume: "reboot" });
    expect(await sh(sandbox, "cat src/moved/file new/file")).toBe("deep\nnew");
    expect(await sh(sandbox, "cat /srv/shelf/book; cat /mnt/open/note", "/")).toBe(
      "read mechanged by the host",
    );
    expect((await changesOf(sandbox)).removed.toSorted()).toEqual(["private", "src/deep"]);
  });
});

test("a folder that is as it was is there at once, and a snapshot has what it needs of it", async () => {
  const mount = await mountOf(host, GUEST, "review");
  const sandbox = await create([mount]);
  const { workspaces } = await provider.getInfo(sandbox.sandboxId);
  const digest = workspaces![0]!.baseline;
  const cache = join(paths().home, "workspaces");
  expect(existsSync(join(cache, `${digest}.baseline`))).toBe(true);
  const baseline = (await provider.workspaceBaseline!(digest))!;
  expect(baseline.entries.find(({ path }) => path === "private")?.digest).toMatch(/^[0-9a-f]{64}$/);
  expect(baseline.digest).toBe(mount.baseline.digest);
  await provider.setWorkspaceSynced!(sandbox.sandboxId, GUEST, { ...baseline, entries: [] });
  await sh(sandbox, "echo changed > private");
  const { snapshotId } = await sandbox.createSnapshot();
  await sandbox.kill();
  // The cache may be cleared at any time.
  rmSync(cache, { recursive: true });
  const again = await create([], snapshotId);
  try {
    expect(await sh(again, "cat private src/deep/file")).toBe("changed\ndeep");
    const info = (await provider.getInfo(again.sandboxId)).workspaces![0]!;
    expect(info).toMatchObject({ host, guest: GUEST, mode: "review", baseline: digest });
    expect((await provider.workspaceBaseline!(info.baseline))?.entries).toEqual(baseline.entries);
    expect((await provider.workspaceBaseline!(info.synced!))?.entries).toEqual([]);
    await expect(create([mount], snapshotId)).rejects.toMatchObject({
      code: "invalid_argument",
    } satisfies Partial<EmberboxError>);
  } finally {
    await again.kill();
    await Sandbox.deleteSnapshot(snapshotId, { provider });
  }
});
