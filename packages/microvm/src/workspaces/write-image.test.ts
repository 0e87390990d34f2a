import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  closeSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  lstatSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BaselineEntry } from "@emberbox/core/workspace";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Blocks } from "./blocks.ts";
import { extentBlocks, putExtents } from "./ext4.ts";
import { FileSystem } from "./file-system.ts";
import { type ImageLimits, TooLarge, writeImage, type WrittenFolder } from "./write-image.ts";

const LIMITS: ImageLimits = { bytes: 2 ** 34, entries: 1_000_000, depth: 256 };
const place = mkdtempSync(join(tmpdir(), "emberbox-image-"));
afterAll(() => rmSync(place, { recursive: true, force: true }));

/** A folder's entries, as core finds them. */
function scan(host: string): BaselineEntry[] {
  const entries: BaselineEntry[] = [];
  const inodes = new Map<number, string>();
  const look = (below: string): void => {
    for (const name of readdirSync(Buffer.from(join(host, below), "latin1"), "latin1").toSorted()) {
      const path = below === "" ? name : `${below}/${name}`;
      const at = Buffer.from(join(host, path), "latin1");
      const stats = lstatSync(at);
      const common = { path, mode: stats.mode & 0o777, size: 0, mtimeMs: stats.mtimeMs };
      if (stats.isDirectory()) {
        entries.push({ ...common, type: "directory" });
        look(path);
      } else if (stats.isSymbolicLink()) {
        entries.push({ ...common, type: "symlink", target: readlinkSync(at, "latin1") });
      } else {
        const hardLinkOf = stats.nlink > 1 ? inodes.get(stats.ino) : undefined;
        inodes.set(stats.ino, path);
        entries.push({ ...common, type: "file", size: stats.size, hardLinkOf });
      }
    }
  };
  look("");
  return entries;
}

let images = 0;
function write(
  host: string,
  entries: readonly BaselineEntry[] = scan(host),
  limits: ImageLimits = LIMITS,
): WrittenFolder & { readonly image: string } {
  const image = join(place, `image-${images++}`);
  const file = openSync(image, "wx+");
  try {
    const id = Buffer.alloc(16, 7);
    const [written] = writeImage(file, [{ host, number: 0, entries }], { id, limits });
    return { ...written!, image };
  } finally {
    closeSync(file);
  }
}

/** Where ordinary users' programs are not looked for. */
const env = { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` };

/** What the checker says, which ends with an error when it found one. */
const check = (image: string): string =>
  spawnSync("e2fsck", ["-f", "-n", image], { encoding: "utf8", env }).stdout;
const debugfs = (image: string, request: string): string =>
  execFileSync("debugfs", ["-R", request, image], {
    ...{ encoding: "latin1", env, maxBuffer: 2 ** 24 },
    stdio: ["ignore", "pipe", "ignore"],
  });
const sha = (bytes: Buffer | string): string => createHash("sha256").update(bytes).digest("hex");

describe("the image of a folder", () => {
  const host = join(place, "folder");
  let written: ReturnType<typeof write>;
  beforeAll(() => {
    mkdirSync(join(host, "deep/er"), { recursive: true });
    mkdirSync(join(host, "many"));
    for (let index = 0; index < 3000; index++)
      writeFileSync(
        join(host, "many", `a file with quite a long name, number ${index}`),
        String(index),
      );
    writeFileSync(join(host, "deep/er/file"), "text", { mode: 0o640 });
    writeFileSync(join(host, "run.sh"), "#!/bin/sh\n", { mode: 0o755 });
    writeFileSync(join(host, "empty"), "");
    writeFileSync(join(host, "large"), Buffer.alloc(9_000_001, "0123456789"));
    writeFileSync(Buffer.from(join(host, "odd \xff\xfe"), "latin1"), "odd");
    utimesSync(join(host, "run.sh"), 1_000_000_000.123_456, 1_234_567_890.123_456);
    linkSync(join(host, "large"), join(host, "large too"));
    symlinkSync("/etc/passwd", join(host, "out"));
    symlinkSync(`far/${"x".repeat(200)}`, join(host, "long link"));
    written = write(host);
  });

  test("is a sound file system", () => {
    expect(check(written.image)).toMatch(/^Pass 5.*\n.*: \d+\/\d+ files .* blocks\n$/m);
    expect(check(written.image)).not.toMatch(/Fix|Clear|WARNING/);
  });

  test("holds files with their bytes, modes, times and owner", () => {
    expect(sha(Buffer.from(debugfs(written.image, "cat /0/large"), "latin1"))).toBe(
      sha(Buffer.alloc(9_000_001, "0123456789")),
    );
    expect(debugfs(written.image, "cat /0/deep/er/file")).toBe("text");
    const stat = debugfs(written.image, "stat /0/run.sh");
    expect(stat).toMatch(/Mode: {2}0755/);
    expect(stat).toMatch(/User: {2}1000 {3}Group: {2}1000/);
    expect(stat).toMatch(/mtime: 0x499602d2:1d6f/);
    expect(debugfs(written.image, "stat /0/large")).toMatch(/Links: 2/);
    expect(debugfs(written.image, "stat /0/out")).toMatch(/Fast link dest: "\/etc\/passwd"/);
    expect(debugfs(written.image, "ls /0/many").match(/number \d+/g)).toHaveLength(3000);
  });

  test("is described as it is", () => {
    const found = new Map(written.entries.map((entry) => [entry.path, entry]));
    expect(written.missing).toEqual([]);
    expect([...found.keys()]).toEqual(scan(host).map(({ path }) => path));
    expect(found.get("run.sh")).toMatchObject({
      ...{ mode: 0o755, size: 10, mtimeMs: lstatSync(join(host, "run.sh")).mtimeMs },
      digest: sha("#!/bin/sh\n"),
    });
    expect(found.get("large too")).toMatchObject({ hardLinkOf: "large" });
    expect(found.get("long link")?.target).toBe(`far/${"x".repeat(200)}`);
    expect(found.get("odd \xff\xfe")?.digest).toBe(sha("odd"));
  });
});

test("an empty folder is an image as well", () => {
  const host = join(place, "nothing");
  mkdirSync(host);
  expect(check(write(host).image)).not.toMatch(/Fix|Clear|WARNING/);
});

test("more inodes than a group has, and a file of more blocks", () => {
  const source = join(place, "sparse");
  writeFileSync(source, "");
  execFileSync("truncate", ["-s", "140M", source]);
  const path = join(place, "groups");
  const [file, from] = [openSync(path, "wx+"), openSync(source, "r")];
  using image = new FileSystem(file);
  const facts = { mode: 0o644, mtimeNs: -1n };
  for (let index = 0; index < 40_000; index++) image.add(image.root, `${index}`, "file", facts);
  const large = image.add(image.root, "large", "file", facts);
  Object.assign(large, { size: 140 * 2 ** 20, run: image.blocks.copy(from, 140 * 2 ** 20).run });
  image.finish(Buffer.alloc(16));
  for (const fd of [file, from]) closeSync(fd);
  const said = check(path);
  expect(said).toMatch(/: 40012\/\d+ files/);
  expect(said).not.toMatch(/Fix|Clear|WARNING/);
  expect(debugfs(path, "stat /large")).toMatch(/Size: 146800640\n/);
  rmSync(path);
});

test("a file in more pieces than its inode names has them in blocks of their own", () => {
  const run = { first: 1000, count: 5 * 32_768 + 1 };
  expect(extentBlocks(run)).toBe(1);
  const [inode, leaf] = [Buffer.alloc(256), Buffer.alloc(4096)];
  putExtents(inode, run, leaf, 77);
  // One block, of which the inode has the number, and in it six pieces.
  expect([inode.readUInt16LE(0x2a), inode.readUInt16LE(0x2e), inode.readUInt32LE(0x38)]).toEqual([
    1, 1, 77,
  ]);
  expect(leaf.readUInt16LE(2)).toBe(6);
  expect([leaf.readUInt32LE(72), leaf.readUInt16LE(76), leaf.readUInt32LE(80)]).toEqual([
    5 * 32_768,
    1,
    1000 + 5 * 32_768,
  ]);
});

describe("what is written while more is read", () => {
  const source = join(place, "pieces");
  const text = Buffer.alloc(30_000_000, "more than is gathered at once ");
  beforeAll(() => writeFileSync(source, text));

  test("is all there, each block as it was last", () => {
    const path = join(place, "blocks");
    const [file, from] = [openSync(path, "wx+"), openSync(source, "r")];
    {
      using blocks = new Blocks(file, 1);
      for (const size of [25_000_000, 10_000]) {
        blocks.goBackTo(1);
        expect(blocks.copy(from, size)).toMatchObject({ bytes: size });
      }
      const { run, digest } = blocks.copy(from, text.length);
      expect([run.first, digest]).toEqual([4, sha(text)]);
      blocks.flush();
    }
    for (const fd of [file, from]) closeSync(fd);
    const written = readFileSync(path);
    expect(written.subarray(4096, 14_096).equals(text.subarray(0, 10_000))).toBe(true);
    expect(written.subarray(16_384, 16_384 + text.length).equals(text)).toBe(true);
  });

  test("fails where there is no space", () => {
    const full = openSync("/dev/full", "w");
    const entries = [{ path: "pieces", type: "file", mode: 0o644, size: 0, mtimeMs: 0 } as const];
    const id = Buffer.alloc(16);
    const begin = (): unknown =>
      writeImage(full, [{ host: place, number: 0, entries }], { id, limits: LIMITS });
    expect(begin).toThrow(expect.objectContaining({ code: "ENOSPC" }));
    closeSync(full);
  });
});

describe("what happens to a folder meanwhile", () => {
  const host = join(place, "moving");
  const secret = join(place, "secret");
  beforeAll(() => {
    mkdirSync(secret);
    writeFileSync(join(secret, "key"), "secret");
    mkdirSync(join(host, "a/b"), { recursive: true });
    for (const name of ["a/b/key", "gone", "link", "pipe", "grown", "last"])
      writeFileSync(join(host, name), name);
  });

  test("leads nowhere else, and is told of", () => {
    const entries = scan(host);
    rmSync(join(host, "a/b"), { recursive: true });
    symlinkSync(secret, join(host, "a/b"));
    rmSync(join(host, "gone"));
    rmSync(join(host, "link"));
    symlinkSync(join(secret, "key"), join(host, "link"));
    rmSync(join(host, "pipe"));
    execFileSync("mkfifo", [join(host, "pipe")]);
    writeFileSync(join(host, "grown"), "grown, and more");
    const written = write(host, entries);
    expect(written.missing).toEqual([
      { path: "a/b", reason: "vanished" },
      { path: "gone", reason: "vanished" },
      { path: "link", reason: "special" },
      { path: "pipe", reason: "special" },
    ]);
    expect(written.entries.map(({ path, size }) => [path, size])).toEqual([
      ["a", 0],
      ["grown", 15],
      ["last", 4],
    ]);
    expect(check(written.image)).not.toMatch(/Fix|Clear|WARNING/);
  });

  test.each(["..", "a/../../secret/key", "/etc/passwd", "a//b", "", "x/\0", "a\u{12f}b"])(
    "a path such as %j is refused, or leads nowhere",
    (path) => {
      const entry: BaselineEntry = { path, type: "file", mode: 0o644, size: 1, mtimeMs: 0 };
      try {
        expect(write(host, [entry]).entries).toEqual([]);
      } catch (error) {
        expect(String(error)).toMatch(/is no path in a folder/);
      }
    },
  );

  test("what is too large is refused", () => {
    expect(() => write(host, scan(host), { ...LIMITS, bytes: 10 })).toThrow(TooLarge);
    expect(() => write(host, scan(host), { ...LIMITS, entries: 2 })).toThrow(TooLarge);
    mkdirSync(join(host, "1/2/3/4/5"), { recursive: true });
    expect(() => write(host, scan(host), { ...LIMITS, depth: 3 })).toThrow(TooLarge);
  });
});
