import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { RpcError } from "./connect.ts";
import { DirectoryWatch } from "./directory-watch.ts";
import { Bit, parseRecords } from "./inotify.ts";

let root: string;
let open: DirectoryWatch | undefined;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "watch-"));
});
afterEach(() => {
  open?.close();
  rmSync(root, { recursive: true, force: true });
});

/** Watches `root`; returns what has been seen so far, and how the watch ended. */
async function watch(recursive = false): Promise<{ seen: string[]; ended: (RpcError | true)[] }> {
  const seen: string[] = [];
  const ended: (RpcError | true)[] = [];
  open = await DirectoryWatch.open(
    { path: root, recursive, includeEntry: true },
    {
      change: ({ name, type, entry }) => {
        seen.push(`${type.slice(11)} ${name}${entry ? ` ${entry.size}` : ""}`);
        return true;
      },
      end: (error) => void ended.push(error ?? true),
    },
  );
  return { seen, ended };
}

describe("a watched directory", () => {
  it("tells creation, writing, renaming, changed permissions and removal apart", async () => {
    writeFileSync(join(root, "old"), "12");
    const { seen } = await watch();
    chmodSync(join(root, "old"), 0o600);
    writeFileSync(join(root, "new"), "345");
    renameSync(join(root, "old"), join(root, "other"));
    rmSync(join(root, "new"));
    await expect
      .poll(() => seen)
      .toEqual([
        "CHMOD old",
        "CREATE new",
        "WRITE new",
        "RENAME old",
        "CREATE other 2",
        "REMOVE new",
      ]);
  });

  it("does not tell what happens further down, unless asked", async () => {
    mkdirSync(join(root, "a/b"), { recursive: true });
    const { seen } = await watch();
    writeFileSync(join(root, "a/b/file"), "");
    writeFileSync(join(root, "here"), "");
    await expect.poll(() => seen).toEqual(["CREATE here 0"]);
  });

  it("tells each file in new directories once, however quickly they are made", async () => {
    const { seen } = await watch(true);
    const paths = Array.from({ length: 200 }, (_, index) => `d${index % 10}/e${index}/file`);
    for (const path of paths) {
      mkdirSync(join(root, path, ".."), { recursive: true });
      writeFileSync(join(root, path), "");
    }
    const created = (): string[] =>
      seen.filter((one) => /^CREATE .*file/.test(one)).map((one) => one.split(" ")[1]!);
    await expect.poll(() => created().length).toBe(paths.length);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(created().toSorted()).toEqual(paths.toSorted());
  });

  it("follows a directory that is renamed, and lets go of one that is moved away", async () => {
    mkdirSync(join(root, "a"));
    const away = mkdtempSync(join(tmpdir(), "away-"));
    const { seen } = await watch(true);
    renameSync(join(root, "a"), join(root, "b"));
    writeFileSync(join(root, "b/one"), "");
    await expect.poll(() => seen.join()).toMatch(/RENAME a,CREATE b .*,CREATE b\/one 0/);
    renameSync(join(root, "b"), join(away, "b"));
    writeFileSync(join(away, "b/two"), "");
    writeFileSync(join(root, "last"), "");
    await expect.poll(() => seen).toContain("CREATE last 0");
    expect(seen.join()).not.toContain("two");
    rmSync(away, { recursive: true });
  });

  it("says that it was removed, and ends", async () => {
    const { seen, ended } = await watch();
    rmSync(root, { recursive: true });
    await expect.poll(() => ended).toEqual([true]);
    expect(seen.at(-1)).toBe("REMOVE .");
  });

  it("has to be one", async () => {
    const file = join(root, "file");
    writeFileSync(file, "");
    for (const [path, code] of [
      [file, "invalid_argument"],
      [join(root, "nowhere"), "not_found"],
    ] as const) {
      const opening = DirectoryWatch.open(
        { path, recursive: false, includeEntry: false },
        { change: () => true, end: () => {} },
      );
      await expect(opening).rejects.toMatchObject({ code });
    }
  });
});

it("says so when the kernel's queue was full while its reader was behind", async () => {
  let held = true;
  const ended: (RpcError | undefined)[] = [];
  open = await DirectoryWatch.open(
    { path: root, recursive: false, includeEntry: false },
    { change: () => !held, end: (error) => void ended.push(error) },
  );
  const [one, other] = [join(root, "one"), join(root, "other")];
  writeFileSync(one, "");
  await new Promise((resolve) => setTimeout(resolve, 50));
  for (let round = 0; round < 10_000; round++) {
    renameSync(one, other);
    renameSync(other, one);
  }
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(ended).toEqual([]);
  held = false;
  open.resume();
  await expect.poll(() => ended, { timeout: 20_000 }).toMatchObject([{ code: "data_loss" }]);
});

it("records of the kernel are read with and without a name", () => {
  const record = Buffer.alloc(32);
  record.writeInt32LE(3, 0);
  record.writeUInt32LE(Bit.create, 4);
  record.writeUInt32LE(16, 12);
  record.write("naïve", 16);
  const bare = Buffer.alloc(16);
  bare.writeInt32LE(-1, 0);
  bare.writeUInt32LE(Bit.overflow, 4);
  expect(parseRecords(Buffer.concat([record, bare, Buffer.alloc(7)]))).toEqual([
    { watch: 3, mask: Bit.create, name: "naïve" },
    { watch: -1, mask: Bit.overflow, name: "" },
  ]);
});
