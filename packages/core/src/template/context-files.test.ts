import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openContext } from "./context.ts";
import { contextFiles, type CopyContent } from "./context-files.ts";

let root: string;
beforeEach(() => (root = mkdtempSync(join(tmpdir(), "emberbox-context-"))));
afterEach(() => rmSync(root, { recursive: true }));

function put(...paths: string[]): void {
  for (const path of paths) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), path);
  }
}

async function copy(
  sources: string | string[],
  dest: string,
  ignore: string[] = [],
): Promise<CopyContent> {
  return contextFiles(await openContext(root, ignore), { sources: [sources].flat(), dest });
}

async function paths(...args: Parameters<typeof copy>): Promise<string[]> {
  const { entries } = await copy(...args);
  return entries.map(({ path, type }) => (type === "directory" ? `${path}/` : path));
}

const refused = (code: string, message: string): object =>
  expect.objectContaining({ code, message: expect.stringContaining(message) });

describe("where things go", () => {
  beforeEach(() => put("a.txt", "b.txt", "dir/c.txt", "dir/sub/d.txt", ".hidden"));
  const cases: [source: string | string[], dest: string, paths: string[]][] = [
    ["a.txt", "/x", [""]],
    ["a.txt", "/x/", ["a.txt"]],
    ["a.txt", ".", ["a.txt"]],
    ["a.txt", "x/.", ["a.txt"]],
    [["a.txt", "b.txt"], "/x", ["a.txt", "b.txt"]],
    ["dir", "/x", ["c.txt", "sub/", "sub/d.txt"]],
    [["dir", "a.txt"], "/x", ["a.txt", "c.txt", "sub/", "sub/d.txt"]],
    ["dir/sub/d.txt", "/x/", ["d.txt"]],
    ["*.txt", "/x", ["a.txt", "b.txt"]],
    ["a*", "/x", [""]],
    ["?.txt", "/x", ["a.txt", "b.txt"]],
    ["[!-a].txt", "/x", [""]],
    ["[^a].txt", "/x/", ["b.txt"]],
    ["dir/*", "/x", ["c.txt", "d.txt"]],
    ["**/*.txt", "/x", ["a.txt", "b.txt", "c.txt", "d.txt"]],
    ["d?r/sub", "/x", ["d.txt"]],
    [".", "/x", [".hidden", "a.txt", "b.txt", "dir/", "dir/c.txt", "dir/sub/", "dir/sub/d.txt"]],
  ];
  for (const [source, dest, expected] of cases)
    test(`${source} to ${dest}`, async () => expect(await paths(source, dest)).toEqual(expected));

  test("an empty directory is the destination itself", async () => {
    mkdirSync(join(root, "empty"));
    expect((await copy("empty", "/x")).entries).toEqual([
      { path: "", type: "directory", mode: 0o755 },
    ]);
  });

  test("a later source replaces what an earlier one has, unless it is of another kind", async () => {
    put("one/same", "two/same", "three/same/file");
    const { entries } = await copy(["one", "two"], "/x");
    expect(entries).toMatchObject([{ path: "same", source: join(root, "two/same") }]);
    await expect(copy(["one", "three"], "/x")).rejects.toThrow(
      refused("invalid_argument", '"same" is a directory in one source'),
    );
  });
});

describe("what is ignored", () => {
  beforeEach(() => put("a.txt", "node_modules/x/y.js", "src/a.js", "src/node_modules/z.js"));

  test("by `.dockerignore`, with exceptions, comments and directories", async () => {
    writeFileSync(join(root, ".dockerignore"), "# all but\n*\n!src\r\nsrc/node_modules/\n\n");
    expect(await paths(".", "/x")).toEqual(["src/", "src/a.js"]);
  });

  test("by the patterns that are given, which come last", async () => {
    writeFileSync(join(root, ".dockerignore"), "**/node_modules\n.dockerignore\n");
    expect(await paths(".", "/x")).toEqual(["a.txt", "src/", "src/a.js"]);
    expect(await paths(".", "/x", ["/src", "!src/node_modules"])).toEqual([
      "a.txt",
      "src/",
      "src/node_modules/",
      "src/node_modules/z.js",
    ]);
    expect(await paths("*", "/x", ["src"])).toEqual([""]);
  });

  test("is not found", async () => {
    for (const ignore of [["a.txt"], ["a.txt", "!src/a.js"]])
      await expect(copy("a.txt", "/x", ignore)).rejects.toThrow(
        refused("file_not_found", '"a.txt", or it is ignored'),
      );
    await expect(copy("node_modules", "/x", ["node_modules", "!src"])).rejects.toThrow(
      refused("file_not_found", '"node_modules"'),
    );
  });

  test("a wrong pattern is refused", () =>
    expect(openContext(root, ["[z-a]"])).rejects.toThrow(refused("invalid_argument", "[z-a]")));
});

describe("links", () => {
  beforeEach(() => {
    put("dir/file", "other/x");
    symlinkSync("file", join(root, "dir/inside"));
    symlinkSync("/etc", join(root, "dir/outside"));
    symlinkSync("dir", join(root, "to-dir"));
    symlinkSync("nowhere", join(root, "broken"));
  });

  test("are copied as links", async () => {
    expect((await copy("dir", "/x")).entries).toMatchObject([
      { path: "file", type: "file" },
      { path: "inside", type: "symlink", target: "file" },
      { path: "outside", type: "symlink", target: "/etc" },
    ]);
  });

  test("that are sources are followed in the context only", async () => {
    expect(await paths("to-dir", "/x")).toEqual(["file", "inside", "outside"]);
    expect((await copy("dir/inside", "/x/")).entries).toMatchObject([
      { path: "inside", type: "file", source: join(root, "dir/file") },
    ]);
    for (const source of ["dir/outside", "broken"])
      expect((await copy(source, "/x")).entries).toMatchObject([{ path: "", type: "symlink" }]);
  });

  test("on the way do not lead out of the context", async () => {
    await expect(copy("dir/outside/passwd", "/x")).rejects.toThrow(
      refused("invalid_path", "leads out of the context"),
    );
    for (const source of ["dir/outside/pass*", "**/pass*"])
      await expect(copy(source, "/x")).rejects.toThrow(refused("file_not_found", source));
  });
});

test("permission bits are kept", async () => {
  put("run.sh");
  chmodSync(join(root, "run.sh"), 0o751);
  expect((await copy("run.sh", "/x")).entries[0]!.mode).toBe(0o751);
});

test("the digest tells names, kinds, permission bits and contents, but not places", async () => {
  put("one/a", "one/b");
  const { digest } = await copy("one", "/x");
  execFileSync("cp", ["-r", join(root, "one"), join(root, "two")]);
  expect((await copy("two", "/y")).digest).toBe(digest);
  chmodSync(join(root, "two/a"), 0o700);
  const changed = (await copy("two", "/x")).digest;
  writeFileSync(join(root, "one/a"), "other");
  expect(new Set([digest, changed, (await copy("one", "/x")).digest]).size).toBe(3);
});

test("what does not exist, and what is no file, is refused", async () => {
  put("file");
  for (const source of ["no", "no/thing", "no/*", "*.no", "file/x", "file/*"])
    await expect(copy(source, "/x")).rejects.toThrow(
      refused("file_not_found", JSON.stringify(source)),
    );
  execFileSync("mkfifo", [join(root, "fifo")]);
  await expect(copy("fifo", "/x")).rejects.toThrow(refused("invalid_argument", '"fifo" is not'));
});
