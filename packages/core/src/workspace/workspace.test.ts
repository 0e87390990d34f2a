import { execFileSync } from "node:child_process";
import { lstatSync, readFileSync, utimesSync } from "node:fs";
import {
  chmod,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  unlink,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, expect, test, vi } from "vitest";
import { localWorkspace } from "../testing/local-workspace.ts";
import { temporary } from "../testing/temporary.ts";

beforeEach(async () => {
  vi.stubEnv("EMBERBOX_HOME", await temporary());
});

const text = (count: number): string =>
  Array.from({ length: count }, (_, index) => `line ${index + 1}\n`).join("");

async function folder(): Promise<string> {
  const host = await temporary();
  await mkdir(join(host, "src", "deep"), { recursive: true });
  await writeFile(join(host, "src", "a.txt"), text(20));
  await writeFile(join(host, "src", "deep", "b.txt"), "b\n");
  await writeFile(join(host, "moved.txt"), "it moves\n");
  await writeFile(join(host, "run.sh"), "#!/bin/sh\n", { mode: 0o755 });
  await symlink("src/a.txt", join(host, "link"));
  return host;
}

const kinds = (changes: readonly { path: string; kind: string }[]) =>
  changes.map(({ path, kind }) => `${kind} ${path}`);

test("a copy has what the folder has: bytes, modes, times and links", async () => {
  const host = await folder();
  utimesSync(join(host, "run.sh"), 1_600_000_000, 1_600_000_000.5);
  const { guest, workspace } = await localWorkspace(host);
  expect(await workspace.changes()).toMatchObject({ changes: [] });
  const { mode, mtimeMs } = lstatSync(join(guest, "run.sh"));
  expect([mode & 0o777, mtimeMs]).toEqual([0o755, 1_600_000_000_500]);
  expect(await readlink(join(guest, "link"))).toBe("src/a.txt");
});

test("each kind of change is told, shown, applied, and then is none any more", async () => {
  const host = await folder();
  const { guest, workspace } = await localWorkspace(host);
  await writeFile(join(guest, "src", "a.txt"), text(20).replace("line 3\n", "line three\n"));
  await rm(join(guest, "src", "deep"), { recursive: true });
  await rename(join(guest, "moved.txt"), join(guest, "src", "moved.txt"));
  await chmod(join(guest, "run.sh"), 0o644);
  await mkdir(join(guest, "new"));
  await writeFile(join(guest, "new", "c.txt"), "c");
  await unlink(join(guest, "link"));
  await symlink("run.sh", join(guest, "link"));
  const { changes, digest } = await workspace.changes();
  expect(kinds(changes)).toEqual([
    "changed link",
    "added new",
    "added new/c.txt",
    "mode run.sh",
    "changed src/a.txt",
    "removed src/deep",
    "removed src/deep/b.txt",
    "renamed src/moved.txt",
  ]);
  const diff = await workspace.diff();
  expect(diff.digest).toBe(digest);
  expect(diff.text).toMatchSnapshot();

  const { applied } = await workspace.apply({ digest });
  expect(kinds(applied)).toEqual(kinds(changes));
  expect(readFileSync(join(host, "src", "a.txt"), "utf8")).toContain("line three\n");
  expect(readFileSync(join(host, "src", "moved.txt"), "utf8")).toBe("it moves\n");
  expect((await readdir(host)).toSorted()).toEqual(["link", "new", "run.sh", "src"]);
  expect((await readdir(join(host, "src"))).toSorted()).toEqual(["a.txt", "moved.txt"]);
  expect(lstatSync(join(host, "run.sh")).mode & 0o777).toBe(0o644);
  expect(await readlink(join(host, "link"))).toBe("run.sh");
  expect(await workspace.changes()).toMatchObject({ changes: [] });

  // What was there before the apply is a change by now.
  await writeFile(join(guest, "src", "a.txt"), text(20));
  expect(kinds((await workspace.changes()).changes)).toEqual(["changed src/a.txt"]);
});

test("the diff is one that git applies", async () => {
  const host = await folder();
  const { guest, workspace } = await localWorkspace(host);
  const lines = text(60).split("\n");
  await writeFile(join(host, "src", "long.txt"), "");
  await writeFile(
    join(guest, "src", "a.txt"),
    [
      "first",
      ...lines.slice(0, 9),
      "between",
      ...lines.slice(15, 19),
      "end without a newline",
    ].join("\n"),
  );
  await writeFile(join(guest, 'odd "name"\té'), "x\ny");
  await rm(join(guest, "src", "deep", "b.txt"));
  await rename(join(guest, "moved.txt"), join(guest, "là.txt"));
  await chmod(join(guest, "run.sh"), 0o600);
  const { text: patch } = await workspace.diff();
  const copy = await temporary();
  execFileSync("cp", ["-a", `${host}/.`, copy]);
  execFileSync("git", ["-C", copy, "apply", "-"], {
    input: patch,
    env: { PATH: process.env["PATH"], GIT_DIR: "/dev/null" },
  });
  for (const path of ["src/a.txt", 'odd "name"\té', "là.txt"])
    expect(await readFile(join(copy, path), "utf8")).toBe(
      await readFile(join(guest, path), "utf8"),
    );
});

test("some paths are applied, with the directories that they need, and the rest stays to be", async () => {
  const host = await folder();
  const { guest, workspace } = await localWorkspace(host);
  await mkdir(join(guest, "new", "deep"), { recursive: true });
  await writeFile(join(guest, "new", "deep", "c.txt"), "c");
  await writeFile(join(guest, "new", "other.txt"), "o");
  const { digest } = await workspace.changes();
  await workspace.apply({ paths: ["new/deep/c.txt"], digest });
  expect(await readdir(join(host, "new"))).toEqual(["deep"]);
  expect(kinds((await workspace.changes()).changes)).toEqual(["added new/other.txt"]);
  const wrong = workspace.apply({ paths: ["nothing"] });
  await expect(wrong).rejects.toMatchObject({ code: "invalid_argument" });
  const outside = workspace.apply({ paths: ["../x"] });
  await expect(outside).rejects.toMatchObject({ code: "invalid_path" });
});

test("nothing is applied but what was shown", async () => {
  const host = await folder();
  const { guest, workspace } = await localWorkspace(host);
  await writeFile(join(guest, "run.sh"), "shown\n");
  const { digest } = await workspace.diff();
  await writeFile(join(guest, "run.sh"), "not shown\n");
  await expect(workspace.apply({ digest })).rejects.toMatchObject({ code: "workspace_changed" });
  expect(readFileSync(join(host, "run.sh"), "utf8")).toBe("#!/bin/sh\n");
});

test("a file that both sides changed is a conflict: named, skipped, overwritten or merged", async () => {
  const host = await folder();
  const { guest, workspace } = await localWorkspace(host);
  await writeFile(join(guest, "src", "a.txt"), text(20).replace("line 3\n", "line three\n"));
  await writeFile(join(guest, "run.sh"), "inside\n");
  await writeFile(join(host, "src", "a.txt"), text(20).replace("line 17\n", "line seventeen\n"));
  await expect(workspace.apply()).rejects.toMatchObject({
    code: "workspace_conflict",
    details: { conflicts: [{ path: "src/a.txt", why: "it was changed in the folder, too" }] },
  });
  expect(readFileSync(join(host, "run.sh"), "utf8")).toBe("#!/bin/sh\n");

  // What both sides began with is nowhere any more: this sandbox keeps no originals.
  const merge = workspace.apply({ onConflict: "merge" });
  await expect(merge).rejects.toMatchObject({ code: "workspace_conflict" });

  const skipped = await workspace.apply({ onConflict: "skip" });
  expect(skipped).toMatchObject({ skipped: ["src/a.txt"], applied: [{ path: "run.sh" }] });
  expect(readFileSync(join(host, "src", "a.txt"), "utf8")).toContain("seventeen");
  await workspace.apply({ onConflict: "overwrite" });
  expect(readFileSync(join(host, "src", "a.txt"), "utf8")).not.toContain("seventeen");
});

test("a file or link becomes a directory with files, and one again", async () => {
  const host = await folder();
  const { guest, workspace } = await localWorkspace(host);
  for (const name of ["run.sh", "link"]) {
    await rm(join(guest, name));
    await mkdir(join(guest, name, "deep"), { recursive: true });
    await writeFile(join(guest, name, "deep", "in"), name);
  }
  await workspace.apply();
  for (const name of ["run.sh", "link"])
    expect(readFileSync(join(host, name, "deep", "in"), "utf8")).toBe(name);
  expect(readFileSync(join(host, "src", "a.txt"), "utf8")).toBe(text(20));
  await rm(join(guest, "run.sh"), { recursive: true });
  await writeFile(join(guest, "run.sh"), "again");
  await workspace.apply();
  expect(readFileSync(join(host, "run.sh"), "utf8")).toBe("again");
  expect(await workspace.changes()).toMatchObject({ changes: [] });
});

test("a file whose directory the folder has lost is refused, or comes with the directory", async () => {
  const host = await folder();
  const { guest, workspace } = await localWorkspace(host);
  await writeFile(join(guest, "src", "deep", "b.txt"), "changed\n");
  await writeFile(join(guest, "src", "deep", "c.txt"), "new\n");
  await rm(join(host, "src"), { recursive: true });
  for (const onConflict of ["refuse", "merge"] as const)
    await expect(workspace.apply({ onConflict })).rejects.toMatchObject({
      code: "workspace_conflict",
    });
  await workspace.apply({ onConflict: "skip" });
  expect(await readdir(join(host, "src", "deep"))).toEqual(["c.txt"]);
  await rm(join(host, "src"), { recursive: true });
  await workspace.apply({ onConflict: "overwrite" });
  expect(await readdir(join(host, "src", "deep"))).toEqual(["b.txt"]);
  expect(await workspace.changes()).toMatchObject({ changes: [] });
});

test("text is merged where the original is kept, and both sides have what came of it", async () => {
  const host = await folder();
  const original = await readFile(join(host, "src", "a.txt"));
  const { guest, workspace } = await localWorkspace(host, {}, (own) => ({
    tree: (signal) => own.tree(signal),
    read: (path, signal) => own.read(path, signal),
    write: (...given) => own.write(...given),
    original: async function* () {
      yield original;
    },
  }));
  await writeFile(
    join(guest, "src", "a.txt"),
    text(20).replace("line 3\n", "line three\n").replace("line 20", "line 2O"),
  );
  await writeFile(join(host, "src", "a.txt"), text(20).replace("line 10\n", "line ten\n"));
  const { merged } = await workspace.apply({ onConflict: "merge" });
  expect(merged).toEqual(["src/a.txt"]);
  const expected = text(20)
    .replace("line 3\n", "line three\n")
    .replace("line 10\n", "line ten\n")
    .replace("line 20", "line 2O");
  expect(readFileSync(join(host, "src", "a.txt"), "utf8")).toBe(expected);
  expect(readFileSync(join(guest, "src", "a.txt"), "utf8")).toBe(expected);
  expect(await workspace.changes()).toMatchObject({ changes: [] });
});

test("what is discarded is as it was in the folder", async () => {
  const host = await folder();
  const { guest, workspace } = await localWorkspace(host);
  await writeFile(join(guest, "src", "a.txt"), "broken");
  await rm(join(guest, "src", "deep"), { recursive: true });
  await rename(join(guest, "moved.txt"), join(guest, "src", "moved.txt"));
  await rm(join(guest, "run.sh"));
  await mkdir(join(guest, "run.sh"));
  await writeFile(join(guest, "run.sh", "in"), "");
  await unlink(join(guest, "link"));
  await writeFile(join(guest, "kept"), "kept");
  const left = await workspace.discard(["src", "run.sh", "link"]);
  expect(kinds(left.changes)).toEqual(["added kept"]);
  expect(await readFile(join(guest, "src", "a.txt"), "utf8")).toBe(text(20));
  expect(lstatSync(join(guest, "run.sh")).mode & 0o777).toBe(0o755);
  expect((await workspace.discard()).changes).toEqual([]);
});

test("a refresh brings in what the folder changed, and the sandbox keeps its own changes", async () => {
  const host = await folder();
  const { guest, workspace } = await localWorkspace(host);
  await writeFile(join(guest, "src", "a.txt"), "the sandbox's\n");
  await writeFile(join(guest, "both"), "the same");
  await rm(join(guest, "moved.txt"));
  await writeFile(join(host, "src", "a.txt"), "the folder's\n");
  await writeFile(join(host, "both"), "the same");
  await writeFile(join(host, "moved.txt"), "it stays\n");
  await writeFile(join(host, "run.sh"), "#!/bin/bash\n");
  await writeFile(join(host, ".env"), "KEY=1");
  await rm(join(host, "src", "deep"), { recursive: true });
  const refreshed = await workspace.refresh();
  expect(refreshed).toEqual({
    updated: ["run.sh", "src/deep", "src/deep/b.txt"],
    conflicts: ["moved.txt", "src/a.txt"],
    leftOut: [{ path: ".env", reason: "secret", detail: "settings with secrets" }],
  });
  expect(await readFile(join(guest, "run.sh"), "utf8")).toBe("#!/bin/bash\n");
  expect(await readdir(join(guest, "src"))).toEqual(["a.txt"]);
  expect(kinds((await workspace.changes()).changes)).toEqual([
    "removed moved.txt",
    "changed src/a.txt",
  ]);
});

test("names that are not UTF-8 survive, both ways", async () => {
  const host = await temporary();
  const name = Buffer.from("caf\xe9 \xff\n.txt", "latin1");
  await writeFile(Buffer.concat([Buffer.from(`${host}/`), name]), "1\n");
  const { guest, workspace } = await localWorkspace(host);
  const inside = Buffer.concat([Buffer.from(`${guest}/`), name]);
  expect(await readFile(inside, "utf8")).toBe("1\n");
  await writeFile(inside, "2\n");
  const { changes } = await workspace.changes();
  expect(changes).toMatchObject([{ path: "caf\udce9 \udcff\n.txt", kind: "changed" }]);
  expect((await workspace.diff()).text).toContain(String.raw`diff --git "a/caf\351 \377\n.txt"`);
  await workspace.apply({ paths: [changes[0]!.path] });
  expect(await readFile(Buffer.concat([Buffer.from(`${host}/`), name]), "utf8")).toBe("2\n");
});

test("what looks like a secret stays out and is listed, and what is ignored is in no changes", async () => {
  const host = await folder();
  const secrets = [
    ".env",
    ".env.local",
    "id_rsa",
    "server.key",
    ".npmrc",
    ".aws/credentials",
    "tls.pem",
  ];
  await mkdir(join(host, ".aws"));
  for (const path of secrets) await writeFile(join(host, path), "");
  await writeFile(join(host, ".npmrc"), "//registry/:_authToken=x");
  await writeFile(join(host, "tls.pem"), "-----BEGIN PRIVATE KEY-----");
  await writeFile(join(host, "ca.pem"), "-----BEGIN CERTIFICATE-----");
  await writeFile(join(host, ".env.example"), "KEY=");
  execFileSync("mkfifo", [join(host, "pipe")]);
  const { guest, workspace } = await localWorkspace(host, { ignore: ["build/"] });
  expect(workspace.leftOut.map(({ path, reason }) => `${reason} ${path}`)).toEqual([
    "secret .aws",
    "secret .env",
    "secret .env.local",
    "secret .npmrc",
    "secret id_rsa",
    "special pipe",
    "secret server.key",
    "secret tls.pem",
  ]);
  expect((await readdir(guest)).toSorted()).toEqual([
    ".env.example",
    "ca.pem",
    "link",
    "moved.txt",
    "run.sh",
    "src",
  ]);
  await mkdir(join(guest, "build"));
  await writeFile(join(guest, "build", "out"), "");
  expect((await workspace.changes()).changes).toEqual([]);
  // The folder has one, which the sandbox has never seen.
  await writeFile(join(guest, ".env"), "KEY=stolen");
  await expect(workspace.apply()).rejects.toMatchObject({ code: "workspace_conflict" });
  expect(await readFile(join(host, ".env"), "utf8")).toBe("");
});

test("a folder that somebody else named is neither read nor written", async () => {
  const host = await folder();
  const { guest, workspace } = await localWorkspace(host, { isForeign: true });
  await writeFile(join(guest, "run.sh"), "evil");
  for (const call of ["changes", "diff", "apply", "discard", "refresh"] as const)
    await expect(workspace[call]()).rejects.toMatchObject({ code: "unsupported" });
  expect(readFileSync(join(host, "run.sh"), "utf8")).toBe("#!/bin/sh\n");
});

test("a workspace that is not reviewed has no changes to look at", async () => {
  const { workspace } = await localWorkspace(await folder(), { mode: "readonly" });
  await expect(workspace.changes()).rejects.toMatchObject({ code: "unsupported" });
});
