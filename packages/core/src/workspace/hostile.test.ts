import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { lstatSync, readFileSync } from "node:fs";
import {
  chmod,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, expect, test, vi } from "vitest";
import { localWorkspace } from "../testing/local-workspace.ts";
import { temporary } from "../testing/temporary.ts";
import { guestChanges } from "./guest-answer.ts";
import { readChanges } from "./guest-contents.ts";
import { applied, treeOf } from "./compare.ts";
import type { Inside } from "./inside.ts";

beforeEach(async () => {
  vi.stubEnv("EMBERBOX_HOME", await temporary());
});

async function folder(): Promise<{ host: string; outside: string }> {
  const outside = await temporary();
  await writeFile(join(outside, "secret"), "outside");
  const host = await temporary();
  await mkdir(join(host, "dir"));
  await writeFile(join(host, "dir", "a"), "a");
  await mkdir(join(host, ".git", "hooks"), { recursive: true });
  await writeFile(join(host, ".git", "config"), "[core]\n");
  await writeFile(join(host, ".git", "HEAD"), "ref: refs/heads/main\n");
  return { host, outside };
}

const file = { type: "file", mode: 0o644, size: 1, mtimeMs: 0, digest: "0".repeat(64) };

test.each([
  "../x",
  "a/../../x",
  "/etc/passwd",
  "a//b",
  "a/",
  "/",
  "",
  ".",
  "./a",
  "a/.",
  "a/..",
  "a\0b",
  "a".repeat(256),
  "a/".repeat(3000) + "a",
  "\u{100}",
  "\udc80",
])("a path that is none is not believed: %j", (path) => {
  expect(guestChanges.safeParse({ removed: [], entries: [{ ...file, path }] }).success).toBe(false);
  expect(guestChanges.safeParse({ removed: [path], entries: [] }).success).toBe(false);
});

test.each([
  [{ ...file, path: "a", mode: 0o170644 }],
  [{ ...file, path: "a", mode: -1 }],
  [{ ...file, path: "a", size: -1 }],
  [{ ...file, path: "a", size: 0.5 }],
  [{ ...file, path: "a", size: Number.MAX_SAFE_INTEGER + 1 }],
  [{ ...file, path: "a", mtimeMs: 1e300 }],
  [{ ...file, path: "a", digest: "x" }],
  [{ ...file, path: "a", type: "device" }],
  [{ ...file, path: "a", type: "symlink", target: "x\0y" }],
  [{ ...file, path: "a", type: "symlink", target: "" }],
])("a number or kind that cannot be is not believed: %j", (entry) => {
  expect(guestChanges.safeParse({ removed: [], entries: [entry] }).success).toBe(false);
});

const frame = (kind: number, content: string | Buffer): Buffer => {
  const bytes = Buffer.from(content);
  const head = Buffer.of(kind, 0, 0, 0, 0);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
};

/** In pieces of a few bytes. */
async function* inPieces(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 7) yield bytes.subarray(at, at + 7);
}

const answered = (...frames: Buffer[]) =>
  readChanges({
    headers: { "content-type": "application/octet-stream" },
    body: inPieces(Buffer.concat(frames)),
  });

test("a file has the bytes that were sent, whatever is said besides", async () => {
  const said = JSON.stringify({ entries: [{ ...file, path: "a", content: 1 }], removed: ["b"] });
  const frames = [frame(1, ""), frame(0, said.slice(0, 20)), frame(1, "hello")];
  const digest = createHash("sha256").update("hello").digest("hex");
  await expect(answered(...frames, frame(0, said.slice(20)))).resolves.toEqual({
    entries: [{ ...file, path: "a", size: 5, digest }],
    removed: ["b"],
  });
});

test.each([
  ["a frame that is not whole", Buffer.of(0, 0, 0, 0, 9, 0x7b)],
  ["a frame of another kind", frame(2, "{}")],
  ["a frame that would be too long", Buffer.of(1, 0x7f, 0xff, 0xff, 0xff, 0)],
  ["no JSON", frame(0, "{")],
  ["nothing", frame(1, "content")],
  ["bytes that were not sent", frame(0, '{"entries":[{"path":"a","content":0}],"removed":[]}')],
])("an answer with %s is refused", async (_, bytes) => {
  await expect(answered(bytes)).rejects.toMatchObject({ code: "protocol_error" });
});

test("what an agent of before answers is JSON", async () => {
  const said = { entries: [{ ...file, path: "a" }], removed: [] };
  const headers = { "content-type": "application/json" };
  const body = inPieces(Buffer.from(JSON.stringify(said)));
  await expect(readChanges({ headers, body })).resolves.toEqual(said);
});

test("an answer that does not fit together is not believed", () => {
  const original = treeOf([
    { path: "file", type: "file", mode: 0o644, size: 1, mtimeMs: 0 },
    { path: "link", type: "symlink", mode: 0o777, size: 0, mtimeMs: 0, target: "x" },
  ]);
  for (const entries of [
    [{ ...file, path: "file/below" }],
    [{ ...file, path: "link/below" }],
    [{ ...file, path: "missing/below" }],
    [{ ...file, path: "a", digest: undefined }],
    [{ ...file, path: "a", target: "x" }],
    [{ ...file, path: "a", type: "directory" }],
    [{ path: "a", type: "symlink", mode: 0o777, size: 0, mtimeMs: 0 }],
  ])
    expect(() => applied(original, { removed: [], entries } as never)).toThrow("makes no sense");
});

test("a machine that puts files in the place of all directories does not keep the program long", () => {
  const directory = { type: "directory", mode: 0o755, size: 0, mtimeMs: 0 } as const;
  const paths = Array.from({ length: 50_000 }, (_, index) => `d${index}`);
  const original = treeOf(
    paths.flatMap((path) => [
      { path, ...directory },
      { path: `${path}/in`, ...directory },
    ]),
  );
  const entries = paths.map((path) => ({ ...file, path }));
  const tree = applied(original, { removed: [], entries } as never);
  expect([...tree.keys()]).toEqual(paths);
});

test.each([
  ["/etc/passwd", "absolute"],
  ["../x", "out of the folder"],
  ["dir/../../x", "`..` after a name"],
  ["inner/x", "another link"],
  ["out", "absolute"],
  ["./.././x", "out of the folder"],
])("a link to %s is refused", async (target, why) => {
  const { host, outside } = await folder();
  await symlink(outside, join(host, "out"));
  await symlink("dir", join(host, "inner"));
  const { guest, workspace } = await localWorkspace(host);
  await symlink(target, join(guest, "new"));
  const { changes } = await workspace.changes();
  expect(changes).toMatchObject([{ path: "new", refused: expect.stringContaining(why) }]);
  await expect(workspace.apply()).rejects.toMatchObject({
    code: "workspace_refused",
    details: { refused: [{ path: "new" }] },
  });
  expect(await readdir(host)).not.toContain("new");
});

test("links that stay in the folder are applied", async () => {
  const { host } = await folder();
  const { guest, workspace } = await localWorkspace(host);
  await symlink("../dir/a", join(guest, "dir", "one"));
  await symlink("one", join(guest, "dir", "two"));
  await symlink("nothing/there", join(guest, "three"));
  await workspace.apply();
  expect(readFileSync(join(host, "dir", "two"), "utf8")).toBe("a");
});

test.each([
  [".git/hooks/post-checkout"],
  [".git/config"],
  [".git/info/attributes"],
  [".git/objects/info/alternates"],
  [".git/worktrees/a/commondir"],
  [".git/modules/a/hooks/post-checkout"],
  [".git/rebase-merge/git-rebase-todo"],
  [".GIT/config"],
  ["dir/.git"],
  ["dir/.git/config"],
])("what git would run, or be led by, is shown and refused: %s", async (path) => {
  const { host } = await folder();
  const { guest, workspace } = await localWorkspace(host);
  await mkdir(join(guest, path, ".."), { recursive: true });
  await writeFile(join(guest, path), "#!/bin/sh\n", { mode: 0o755 });
  const { text } = await workspace.diff();
  expect(text).toContain(path);
  expect(text).toContain("# not applied: git may run it");
  await expect(workspace.apply()).rejects.toMatchObject({ code: "workspace_refused" });
  await workspace.apply({ allowGitInternals: true });
  expect(readFileSync(join(host, path), "utf8")).toBe("#!/bin/sh\n");
});

test("commits are applied, and a directory that git takes for a repository is not", async () => {
  const { host } = await folder();
  const { guest, workspace } = await localWorkspace(host);
  for (const path of [".git/objects/ab", ".git/refs/heads", "bare/objects", "bare/refs"])
    await mkdir(join(guest, path), { recursive: true });
  for (const path of [
    ".git/objects/ab/cd",
    ".git/refs/heads/main",
    ".git/index",
    ".git/COMMIT_EDITMSG",
  ])
    await writeFile(join(guest, path), "x");
  await workspace.apply({ paths: [".git"] });
  await writeFile(join(guest, "bare/HEAD"), "ref: refs/heads/main\n");
  await writeFile(join(guest, "bare/config"), "[core]\n\tfsmonitor = evil\n");
  await expect(workspace.apply()).rejects.toMatchObject({
    details: {
      refused: expect.arrayContaining([expect.objectContaining({ path: "bare/config" })]),
    },
  });
});

test.each([
  ["HEAD, after the rest", ["objects/x", "refs/x", "config"], ["HEAD"]],
  ["its references, after the rest", ["HEAD", "objects/x", "hooks/post-receive"], ["refs/x"]],
  ["a hook of one that is there", ["HEAD", "objects/x", "refs/x"], ["hooks/post-receive"]],
  ["one that has its parts elsewhere", ["HEAD", "else/config"], ["commondir"]],
  ["HEAD of one that has its parts elsewhere", ["commondir", "else/config"], ["HEAD"]],
])("a directory becomes no repository that git would be led by: %s", async (_, first, then) => {
  const { host } = await folder();
  const { guest, workspace } = await localWorkspace(host);
  const write = async (path: string): Promise<void> => {
    await mkdir(join(guest, "bare", path, ".."), { recursive: true });
    await writeFile(join(guest, "bare", path), "x");
  };
  for (const path of first) await write(path);
  await workspace.apply();
  for (const path of then) await write(path);
  await expect(workspace.apply()).rejects.toMatchObject({ code: "workspace_refused" });
  await workspace.apply({ allowGitInternals: true });
});

test("what git records in submodules and worktrees is applied, and what it does when it tidies up", async () => {
  const { host } = await folder();
  const paths = ["modules/a/b/objects/x", "modules/a/b/refs/heads/main", "worktrees/w/HEAD"];
  for (const path of [...paths, "worktrees/w/commondir", "objects/x", "info/exclude"]) {
    await mkdir(join(host, ".git", path, ".."), { recursive: true });
    await writeFile(join(host, ".git", path), "before");
  }
  const { guest, workspace } = await localWorkspace(host);
  await mkdir(join(guest, ".git/objects/info"));
  const changed = [...paths, "modules/a/b/index", "objects/info/packs", "info/refs"];
  for (const path of changed) await writeFile(join(guest, ".git", path), "changed");
  await workspace.apply();
  for (const path of changed)
    expect(readFileSync(join(host, ".git", path), "utf8")).toBe("changed");
  for (const path of [
    "modules/a/b/config",
    "modules/a/b/objects/info/alternates",
    "worktrees/w/commondir",
  ]) {
    await mkdir(join(guest, ".git", path, ".."), { recursive: true });
    await writeFile(join(guest, ".git", path), "evil");
    await expect(workspace.apply({ paths: [`.git/${path}`] })).rejects.toMatchObject({
      code: "workspace_refused",
    });
  }
});

test("a link does not lead out by way of one that stays out of the sandbox", async () => {
  const { host, outside } = await folder();
  await symlink(outside, join(host, "ignored"));
  const { guest, workspace } = await localWorkspace(host, { ignore: ["ignored"] });
  await symlink("ignored/secret", join(guest, "by"));
  await symlink("ignored", join(guest, "to"));
  expect((await workspace.changes()).changes).toMatchObject([
    { path: "by", refused: expect.stringContaining("another link") },
    { path: "to", refused: expect.stringContaining("absolute") },
  ]);
  await expect(workspace.apply()).rejects.toMatchObject({ code: "workspace_refused" });
});

test("a file that is longer than anything is told of, and not read", async () => {
  const { host } = await folder();
  const { guest, workspace } = await localWorkspace(host);
  await writeFile(join(guest, "hole"), "");
  await truncate(join(guest, "hole"), 1024 ** 4);
  expect((await workspace.diff()).files).toMatchObject([
    { path: "hole", after: { size: 1024 ** 4 }, refused: "it is too long to be read" },
  ]);
  const apply = workspace.apply({ maxBytes: Number.MAX_SAFE_INTEGER });
  await expect(apply).rejects.toMatchObject({ code: "workspace_refused" });
  await workspace.discard();
  expect((await workspace.changes()).changes).toEqual([]);
});

test("a directory of the folder that has become a link is not followed", async () => {
  const { host, outside } = await folder();
  const { guest, workspace } = await localWorkspace(host);
  await writeFile(join(guest, "dir", "a"), "changed");
  await writeFile(join(guest, "dir", "b"), "added");
  await rename(join(host, "dir"), join(outside, "dir"));
  await symlink(join(outside, "dir"), join(host, "dir"));
  for (const onConflict of ["refuse", "merge", "overwrite"] as const)
    await expect(workspace.apply({ onConflict })).rejects.toMatchObject({
      code: "workspace_conflict",
    });
  expect(await workspace.apply({ onConflict: "skip" })).toMatchObject({ applied: [] });
  expect(await readFile(join(outside, "dir", "a"), "utf8")).toBe("a");
  expect(await readdir(join(outside, "dir"))).toEqual(["a"]);
});

test("a file of the folder that has become a link is replaced, and what it leads to is not written", async () => {
  const { host, outside } = await folder();
  const { guest, workspace } = await localWorkspace(host);
  await writeFile(join(guest, "dir", "a"), "changed");
  await rm(join(host, "dir", "a"));
  await symlink(join(outside, "secret"), join(host, "dir", "a"));
  await expect(workspace.apply()).rejects.toMatchObject({ code: "workspace_conflict" });
  await workspace.apply({ onConflict: "overwrite" });
  expect(lstatSync(join(host, "dir", "a")).isFile()).toBe(true);
  expect(await readFile(join(outside, "secret"), "utf8")).toBe("outside");
});

test("special bits, pipes and devices stay in the sandbox", async () => {
  const { host } = await folder();
  const { guest, workspace } = await localWorkspace(host);
  await writeFile(join(guest, "suid"), "x");
  await chmod(join(guest, "suid"), 0o6755);
  await workspace.apply();
  expect(lstatSync(join(host, "suid")).mode & 0o7777).toBe(0o755);
  execFileSync("mkfifo", [join(guest, "pipe")]);
  await expect(workspace.apply()).rejects.toMatchObject({ code: "workspace_refused" });
});

test("what apply keeps its own things in is nobody else's", async () => {
  const { host } = await folder();
  const { guest, workspace } = await localWorkspace(host);
  await mkdir(join(guest, ".emberbox-apply-x"));
  await expect(workspace.apply()).rejects.toMatchObject({ code: "workspace_refused" });
});

test("no more is taken than was allowed, and a file as large as it was said to be", async () => {
  const { host } = await folder();
  const { guest, workspace } = await localWorkspace(host);
  await writeFile(join(guest, "big"), "");
  await truncate(join(guest, "big"), 2000);
  const limited = workspace.apply({ maxBytes: 1000 });
  await expect(limited).rejects.toMatchObject({ code: "file_too_large" });
  await workspace.apply({ maxBytes: 2000 });
  expect((await stat(join(host, "big"))).size).toBe(2000);
});

test.each([
  [
    "more bytes",
    async function* () {
      for (;;) yield Buffer.alloc(1024);
    },
  ],
  [
    "fewer bytes",
    async function* () {
      yield Buffer.alloc(1);
    },
  ],
  [
    "other bytes",
    async function* () {
      yield Buffer.from("evil!");
    },
  ],
])(
  "a sandbox that sends %s than it said is not believed, and nothing is written",
  async (_, read) => {
    const { host } = await folder();
    const lying = (own: Inside): Inside => ({
      tree: (signal) => own.tree(signal),
      write: (...given) => own.write(...given),
      original: () => undefined,
      read: (path, signal) => (path === "z" ? read() : own.read(path, signal)),
    });
    const { guest, workspace } = await localWorkspace(host, {}, lying);
    await writeFile(join(guest, "y"), "good!");
    await writeFile(join(guest, "z"), "good!");
    const before = await readdir(host);
    expect((await workspace.diff()).files).toMatchObject([
      { path: "y" },
      { path: "z", notShown: "unknown" },
    ]);
    await expect(workspace.apply()).rejects.toMatchObject({ code: "workspace_changed" });
    expect(await readdir(host)).toEqual(before);
  },
);

test("an original that the sandbox made up is shown to nobody", async () => {
  const { host } = await folder();
  const { guest, workspace } = await localWorkspace(host, {}, (own) => ({
    tree: (signal) => own.tree(signal),
    write: (...given) => own.write(...given),
    read: (path, signal) => own.read(path, signal),
    original: async function* () {
      yield Buffer.from("e");
    },
  }));
  await writeFile(join(guest, "dir", "a"), "evil");
  await writeFile(join(host, "dir", "a"), "changed in the folder");
  expect((await workspace.diff()).files).toMatchObject([{ path: "dir/a", notShown: "unknown" }]);
  await expect(workspace.discard()).rejects.toMatchObject({ code: "file_not_found" });
});
