import { execFileSync } from "node:child_process";
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { describe, expect, onTestFinished, test } from "vitest";
import { ignoredBy } from "./ignored.ts";
import { END, type Header, headersOf, padding } from "../../tar/header.ts";
import { staysInside } from "./links.ts";
import { pack } from "./pack.ts";
import { type Limits, Receiver } from "./receive.ts";
import { scanFolder } from "./scan.ts";
import type { FolderProgress } from "./options.ts";

function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), "emberbox-folder-"));
  onTestFinished(() => {
    execFileSync("chmod", ["-R", "u+rwX", directory]);
    rmSync(directory, { recursive: true });
  });
  return directory;
}

const limits: Limits = {
  maxBytes: 10_000_000,
  maxEntries: 1000,
  skipUnsafe: false,
  isIgnored: () => false,
  onProgress: undefined,
};

async function* inPieces(bytes: Buffer, size = 1000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

interface Entry extends Partial<Header> {
  readonly path: string | Buffer;
  readonly content?: string;
  readonly link?: string;
}

function archive(...entries: readonly Entry[]): Buffer {
  const pieces = entries.flatMap(({ path, content = "", link, ...rest }) => [
    headersOf({
      name: Buffer.from(path),
      type: "file",
      mode: 0o644,
      size: Buffer.byteLength(content),
      target: link === undefined ? undefined : Buffer.from(link),
      ...rest,
    }),
    Buffer.from(content),
    padding(Buffer.byteLength(content)),
  ]);
  return Buffer.concat([...pieces, END]);
}

async function receive(bytes: Buffer, special: Partial<Limits> = {}) {
  const into = join(scratch(), "new");
  mkdirSync(into);
  const receiver = new Receiver(into, { ...limits, ...special });
  try {
    return { into, copy: await receiver.receive(inPieces(bytes)) };
  } catch (error) {
    await receiver.discard();
    expect(readdirSync(join(into, ".."))).toEqual([]);
    throw error;
  }
}

function exampleFolder(): string {
  const root = scratch();
  const at = (path: string): string => join(root, path);
  mkdirSync(at("empty"));
  mkdirSync(at("closed"));
  writeFileSync(at("closed/inside"), "in a directory that may not be written to");
  writeFileSync(at("large"), Buffer.alloc(1_000_001, "large"));
  writeFileSync(at("program"), "#!/bin/sh\n");
  chmodSync(at("program"), 0o755);
  writeFileSync(at("nothing"), "");
  writeFileSync(Buffer.concat([Buffer.from(at("latin-")), Buffer.of(0xe4)]), "ä in latin1");
  writeFileSync(at("new\nline 'and' \"more\""), "odd");
  const long = join("ü".repeat(100), "x".repeat(250));
  mkdirSync(at("ü".repeat(100)));
  writeFileSync(at(long), "far");
  linkSync(at("program"), at("same-program"));
  symlinkSync("large", at("link"));
  symlinkSync(`./${"./".repeat(100)}large`, at("long-link"));
  symlinkSync("nowhere", at("dangling"));
  mkdirSync(at("left-out/deep"), { recursive: true });
  writeFileSync(at("left-out/deep/file"), "not wanted");
  execFileSync("find", [root, "-exec", "touch", "-h", "-d", "@1000000000.25", "{}", "+"]);
  utimesSync(at("empty"), 1, 1);
  chmodSync(at("closed"), 0o555);
  return root;
}

/** Sizes and links of directories are the file system's. */
const about = (line: string): string =>
  line.includes("|d|") ? line.replace(/\|\d+\|\d+$/, "") : line;

/** What is in a folder, for comparing. */
function picture(root: string): unknown[] {
  const out = execFileSync(
    "find",
    [root, "-mindepth", "1", "-printf", "%P|%y|%m|%l|%T@|%s|%n\\n"],
    { encoding: "latin1" },
  );
  return out.split("\n").map(about).toSorted();
}

const isIgnored = ignoredBy(["left-out"]);
/** Without the fractions of times, which one format does not have. */
const round = (line: unknown): string => String(line).replace(/(\|\d+)\.\d+/, "$1");
const dir = (path: string): Entry => ({ path, type: "directory" });
const link = (path: string, to: string): Entry => ({ path, type: "symlink", link: to });

test("a folder arrives as it was: names, modes, times, links and empty directories", async () => {
  const root = exampleFolder();
  const folder = await scanFolder(root, isIgnored, undefined);
  const seen: FolderProgress[] = [];
  const bytes = await buffer(pack(root, folder, (progress) => seen.push(progress)));
  expect(seen.at(-1)).toEqual({ files: 8, bytes: folder.bytes, totalBytes: folder.bytes });
  const { into, copy } = await receive(bytes);
  rmSync(join(root, "left-out"), { recursive: true });
  expect(picture(into)).toEqual(picture(root));
  expect(statSync(join(into, "program")).ino).toBe(statSync(join(into, "same-program")).ino);
  expect(readFileSync(join(into, "large")).equals(readFileSync(join(root, "large")))).toBe(true);
  expect(copy).toEqual({ files: 8, bytes: folder.bytes, skipped: [] });

  // GNU tar makes the same of it, and what it makes of that is read.
  const other = join(scratch(), "other");
  mkdirSync(other);
  execFileSync("tar", ["-xpf", "-", "--delay-directory-restore", "-C", other], { input: bytes });
  expect(picture(other)).toEqual(picture(root));
  for (const format of ["posix", "gnu"]) {
    const theirs = execFileSync("tar", ["-c", `--format=${format}`, "-C", root, "."], {
      env: { ...process.env, LC_ALL: "C" },
      maxBuffer: 10_000_000,
    });
    const again = await receive(theirs);
    expect(picture(again.into).map(round)).toEqual(picture(root).map(round));
  }
});

test("what is left out does not arrive, whoever leaves it out", async () => {
  const root = exampleFolder();
  const bytes = await buffer(pack(root, await scanFolder(root, () => false, undefined), undefined));
  const { into } = await receive(bytes, { isIgnored });
  expect(readdirSync(into)).not.toContain("left-out");
  expect(readdirSync(into)).toContain("large");
});

test("sockets and pipes are listed, not sent", async () => {
  const root = scratch();
  execFileSync("mkfifo", [join(root, "pipe")]);
  const folder = await scanFolder(root, () => false, undefined);
  expect(folder.skipped).toEqual(["pipe"]);
  expect(folder.entries.map(({ path }) => String(path))).toEqual([""]);
});

test("a file that changes while it is sent fails the archive, and a link in its place is not followed", async () => {
  for (const change of [
    (file: string) => writeFileSync(file, ""),
    (file: string) => {
      rmSync(file);
      symlinkSync("/etc/passwd", file);
    },
  ]) {
    const root = scratch();
    writeFileSync(join(root, "file"), "some text");
    const folder = await scanFolder(root, () => false, undefined);
    change(join(root, "file"));
    await expect(buffer(pack(root, folder, undefined))).rejects.toMatchObject({
      code: "invalid_path",
    });
  }
});

describe("a hostile archive", () => {
  const refusals: [what: string, entries: Entry[], code: string][] = [
    ["an absolute path", [{ path: "/tmp/x" }], "protocol_error"],
    ["a path upwards", [{ path: "../x" }], "protocol_error"],
    ["a path upwards inside", [dir("a"), { path: "a/../../x" }], "protocol_error"],
    ["a path with dots", [dir("a"), { path: "a/./x" }], "protocol_error"],
    ["an empty name", [dir("a"), { path: "a//x" }], "protocol_error"],
    ["a long name", [{ path: "x".repeat(256) }], "protocol_error"],
    ["no directory for it", [{ path: "a/x" }], "protocol_error"],
    ["a file twice", [{ path: "x" }, { path: "x" }], "protocol_error"],
    ["a directory twice", [dir("x"), dir("x")], "protocol_error"],
    ["a directory over a file", [{ path: "x" }, dir("x")], "protocol_error"],
    ["a file over a directory", [dir("x"), { path: "x" }], "protocol_error"],
    ["a file through a link", [link("a", "b"), { path: "a/x" }], "protocol_error"],
    ["a file over a link", [link("a", "b"), { path: "a" }], "protocol_error"],
    ["a link over a file", [{ path: "a" }, link("a", "b")], "protocol_error"],
    ["a link in the folder's place", [link("./", "/etc")], "protocol_error"],
    ["a file in the folder's place", [{ path: "./" }], "protocol_error"],
    ["an absolute link", [link("a", "/etc/passwd")], "invalid_path"],
    ["a link upwards", [link("a", "../x")], "invalid_path"],
    [
      "a link upwards by others",
      [dir("d"), link("d/up", ".."), link("a", "d/up/../x")],
      "invalid_path",
    ],
    ["links in a circle", [link("a", "b"), link("b", "a")], "invalid_path"],
    [
      "a hard link to outside",
      [{ path: "a", type: "hardlink", link: "/etc/passwd" }],
      "protocol_error",
    ],
    ["a hard link upwards", [{ path: "a", type: "hardlink", link: "../x" }], "protocol_error"],
    [
      "a hard link to a link",
      [link("l", "x"), { path: "a", type: "hardlink", link: "l" }],
      "invalid_path",
    ],
    ["setuid", [{ path: "a", mode: 0o4755 }], "invalid_path"],
    ["setgid", [{ path: "a", mode: 0o2755 }], "invalid_path"],
  ];
  test.for(refusals)("with %s is refused, and nothing is left", async ([, entries, code]) => {
    await expect(receive(archive(...entries))).rejects.toMatchObject({ code });
  });

  test("with a device or pipe is refused", async () => {
    for (const type of ["3", "4", "6"]) {
      const bytes = archive({ path: "a" });
      const sum = Number.parseInt(bytes.toString("latin1", 148, 154), 8);
      bytes.write((sum + type.charCodeAt(0) - 48).toString(8).padStart(6, "0"), 148);
      bytes.write(type, 156);
      await expect(receive(bytes)).rejects.toMatchObject({ code: "invalid_path" });
      expect((await receive(bytes, { skipUnsafe: true })).copy.skipped).toEqual(["a"]);
    }
  });

  test("may be taken without what is unsafe", async () => {
    const bytes = archive(
      { path: "good", content: "ok" },
      link("out", "/etc"),
      link("in", "good"),
      {
        path: "suid",
        mode: 0o4755,
      },
    );
    const { into, copy } = await receive(bytes, { skipUnsafe: true });
    expect(readdirSync(into).toSorted()).toEqual(["good", "in"]);
    expect(copy.skipped.toSorted()).toEqual(["out", "suid"]);
    expect(readlinkSync(join(into, "in"))).toBe("good");
  });

  test("gives others of this machine no right to write", async () => {
    const { into } = await receive(
      archive({ ...dir("d"), mode: 0o1777 }, { path: "d/f", mode: 0o666 }),
    );
    expect(lstatSync(join(into, "d")).mode & 0o7777).toBe(0o775);
    expect(lstatSync(join(into, "d/f")).mode & 0o7777).toBe(0o664);
  });

  test("that is too large is refused before its bytes are written", async () => {
    const bomb = archive({ path: "bomb", size: 2 ** 40 });
    await expect(receive(bomb)).rejects.toMatchObject({ code: "file_too_large" });
    const many = archive(...Array.from({ length: 20 }, (_, index) => ({ path: String(index) })));
    await expect(receive(many, { maxEntries: 19 })).rejects.toMatchObject({
      code: "file_too_large",
    });
    expect((await receive(many, { maxEntries: 20 })).copy.files).toBe(20);
    const ignored = { maxBytes: 5, isIgnored: () => true };
    await expect(receive(archive({ path: "a", content: "123456" }), ignored)).rejects.toMatchObject(
      {
        code: "file_too_large",
      },
    );
  });

  test("that is none, is cut short, goes on, or has long records is refused", async () => {
    const good = archive({ path: "a", content: "text" });
    const wrongSum = Buffer.from(good);
    wrongSum[0] = 0x62;
    const record = (body: Buffer): Buffer =>
      Buffer.concat([
        headersOf({ name: Buffer.from("r"), type: "record", mode: 0, size: body.length }),
        body,
        padding(body.length),
        good,
      ]);
    const bad = [
      Buffer.alloc(0),
      Buffer.from("hello"),
      good.subarray(0, 700),
      good.subarray(0, 1024),
      wrongSum,
      Buffer.concat([good, Buffer.alloc(2_000_000)]),
      record(Buffer.alloc(70_000)),
      record(Buffer.from("99 path=x\n")),
      record(Buffer.from("12 size=-1x\n")),
      record(Buffer.from("21 GNU.sparse.map=1\n")),
      Buffer.concat([
        ...Array.from({ length: 20 }, () => record(Buffer.from("9 a=bcd\n")).subarray(0, 1024)),
      ]),
    ];
    for (const bytes of bad)
      await expect(receive(bytes)).rejects.toMatchObject({ code: "protocol_error" });
  });

  test("of random damage never ends otherwise than in an error of ours, or whole", async () => {
    const good = archive(dir("d"), { path: "d/f", content: "text" }, link("l", "d/f"));
    for (let round = 0; round < 300; round += 1) {
      const bytes = Buffer.from(good);
      bytes[(round * 7919) % bytes.length] = (round * 31) % 256;
      const outcome = await receive(bytes).then(
        () => "whole",
        ({ code }: { code: string }) => code,
      );
      expect(["whole", "protocol_error", "invalid_path"]).toContain(outcome);
    }
  });
});

test.for<[links: Record<string, string>, stays: boolean]>([
  [{ a: "b/../c" }, true],
  [{ a: "." }, true],
  [{ "d/a": ".." }, true],
  [{ "d/a": "../.." }, false],
  [{ "d/a": "../e/../../x" }, false],
  [{ a: "b", b: "c/../..", "x/y": ".." }, false],
  [{ a: "missing/deep/../x" }, true],
])("whether links stay inside: %j", ([links, stays]) => {
  const map = new Map(Object.entries(links));
  expect([...map.keys()].every((path) => staysInside(path, map))).toBe(stays);
});
