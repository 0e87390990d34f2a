import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { expect, onTestFinished, test } from "vitest";
import { Archives } from "./archives.ts";

const GIB = 1024 ** 3;
const none = new Set<string>();
const one = (): Readable => Readable.from([Buffer.from("1")]);

function setUp() {
  const parent = mkdtempSync(join(tmpdir(), "emberbox-archives-"));
  onTestFinished(() => rmSync(parent, { recursive: true }));
  const directory = join(parent, "archives");
  const archives = new Archives(directory);
  /** An archive without content, last used so long ago. */
  const put = (name: string, bytes: number, hours: number): void => {
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, name), "");
    truncateSync(join(directory, name), bytes);
    const time = new Date(Date.now() - hours * 3_600_000);
    utimesSync(join(directory, name), time, time);
  };
  return { archives, directory, put, names: async () => (await readdir(directory)).toSorted() };
}

test("what is sent is there at its end, for its owner only", async () => {
  const { archives, directory, names } = setUp();
  expect(await archives.has("a")).toBe(false);
  await archives.save("a", Readable.from([Buffer.from("on"), Buffer.from("e")]), 3, none);
  expect(await archives.has("a")).toBe(true);
  expect(readFileSync(archives.path("a"), "utf8")).toBe("one");
  expect(statSync(archives.path("a")).mode & 0o777).toBe(0o600);
  expect(statSync(directory).mode & 0o777).toBe(0o700);
  expect(await names()).toEqual(["a.tar.gz"]);
});

test.each([
  ["short", 10, 400],
  ["long", 2, 400],
  ["large", 2 * GIB + 1, 413],
])("one that is too %s leaves nothing", async (_what, bytes, status) => {
  const { archives, directory } = setUp();
  const saving = archives.save("a", Readable.from([Buffer.from("one")]), bytes, none);
  await expect(saving).rejects.toMatchObject({ status });
  expect(await readdir(directory).catch(() => [])).toEqual([]);
});

test("one that breaks off leaves nothing", async () => {
  const { archives, names } = setUp();
  const body = new Readable({ read() {} });
  const saving = archives.save("a", body, 10, none);
  body.push("some");
  setImmediate(() => body.destroy());
  await expect(saving).rejects.toMatchObject({ status: 400 });
  expect(await names()).toEqual([]);
});

test("the oldest make room, but not those that are needed", async () => {
  const { archives, put, names } = setUp();
  for (const [index, name] of ["b", "c", "d", "e"].entries())
    put(`${name}.tar.gz`, 2 * GIB, 10 - index);
  put("f.tar.gz", 1, 24 * 8);
  put("g.0123.part", 5, 1);
  put("h.0123.part", 5, 0);
  await archives.touch("b");
  await archives.save("a", one(), 1, new Set(["c"]));
  expect(await names()).toEqual(["a.tar.gz", "b.tar.gz", "c.tar.gz", "e.tar.gz", "h.0123.part"]);
  put("i.tar.gz", 2 * GIB, 1);
  const all = new Set(["a", "b", "c", "e", "i"]);
  await expect(archives.save("j", one(), 1, all)).rejects.toMatchObject({ status: 507 });
  expect(await archives.has("e")).toBe(true);
});
