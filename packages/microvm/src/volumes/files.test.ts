import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { VolumeFiles } from "@emberbox/core/provider";
import { afterEach, beforeEach, expect, test } from "vitest";
import { volumeFiles } from "./files.ts";
import { openVolumeStore, type VolumeStore } from "./store.ts";

let state: string;
let store: VolumeStore;
let files: VolumeFiles;
const inVolume = (...path: string[]): string => join(state, "volumes", "data", "files", ...path);

async function* parts(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const each of texts) yield Buffer.from(each);
}

beforeEach(async () => {
  state = mkdtempSync(join(tmpdir(), "emberbox-volumes-"));
  store = openVolumeStore(state);
  await store.create("data", 1);
  files = volumeFiles(store, "data");
});
afterEach(async () => {
  // Nothing has it open any more.
  expect(await store.delete("data")).toBe(true);
  rmSync(state, { recursive: true, force: true });
});

test("volumes are made once, listed, and removed", async () => {
  await expect(store.create("data")).rejects.toMatchObject({ code: "volume_exists" });
  await store.create("other");
  expect((await store.list()).map(({ name }) => name)).toEqual(["data", "other"]);
  expect(await store.get("data")).toMatchObject({ volumeId: "data", sizeMB: 1 });
  expect(await store.delete("other")).toBe(true);
  expect(await store.delete("other")).toBe(false);
  await expect(store.get("other")).rejects.toMatchObject({ code: "volume_not_found" });
  await expect(store.open("other")).rejects.toMatchObject({ code: "volume_not_found" });
  expect(statSync(join(state, "volumes")).mode & 0o777).toBe(0o700);
});

test("a name that is no name is none, wherever it leads", async () => {
  writeFileSync(join(state, "volume.json"), "{}");
  for (const name of ["..", ".", "", "../x", "a/b", "/etc", ".new-1-2", "a\0"]) {
    await expect(store.create(name)).rejects.toMatchObject({ code: "invalid_argument" });
    await expect(store.open(name)).rejects.toMatchObject({ code: "volume_not_found" });
    expect(await store.delete(name)).toBe(false);
  }
  expect(readdirSync(state).toSorted()).toEqual(["volume.json", "volumes"]);
});

test("one that is in use is not removed", async () => {
  const { release } = await store.open("data");
  await expect(store.delete("data")).rejects.toMatchObject({ code: "volume_in_use" });
  await release();
});

test("files are written, read, listed, changed and removed", async () => {
  await expect(files.writeFile("/a/b/c.txt", parts("x"))).rejects.toMatchObject({
    code: "file_not_found",
  });
  const made = await files.writeFile("/a/b/ü.txt", parts("one ", "two"), { force: true });
  expect(made).toMatchObject({ name: "ü.txt", path: "/a/b/ü.txt", type: "file", size: 7 });
  expect(await text(await files.readFile("/a/b/ü.txt"))).toBe("one two");
  await files.writeFile("/a/b/ü.txt", parts());
  expect(await text(await files.readFile("/a/b/ü.txt"))).toBe("");
  expect((await files.list("/")).map(({ path }) => path)).toEqual(["/a"]);
  const all = await files.list("/", { depth: 3 });
  expect(all.map(({ path }) => path)).toEqual(["/a", "/a/b", "/a/b/ü.txt"]);
  expect(await files.updateMetadata("/a/b/ü.txt", { mode: 0o600 })).toMatchObject({
    ...{ mode: 0o600, uid: 1000, gid: 1000 },
  });
  await expect(files.updateMetadata("/a", { uid: 0 })).rejects.toMatchObject({
    code: "unsupported",
  });
  await expect(files.makeDir("/a")).rejects.toMatchObject({ code: "file_exists" });
  await files.makeDir("/a", { force: true });
  await expect(files.readFile("/a")).rejects.toMatchObject({ code: "invalid_path" });
  await files.remove("/a");
  await expect(files.getInfo("/a")).rejects.toMatchObject({ code: "file_not_found" });
  expect(await files.getInfo("/")).toMatchObject({ type: "directory", path: "/" });
});

test("a file that could not be written whole is as it was", async () => {
  await files.writeFile("/a", parts("before"));
  const tooMuch = parts(...Array.from({ length: 20 }, () => "x".repeat(65_536)));
  await expect(files.writeFile("/a", tooMuch)).rejects.toMatchObject({ code: "disk_full" });
  const failing = (async function* () {
    yield Buffer.from("part");
    throw new Error("the client went away");
  })();
  await expect(files.writeFile("/a", failing)).rejects.toThrow("the client went away");
  expect(await text(await files.readFile("/a"))).toBe("before");
  expect(readdirSync(inVolume())).toEqual(["a"]);
});

test("no link is followed, and what is removed through one stays", async () => {
  const outside = join(state, "outside");
  mkdirSync(outside);
  writeFileSync(join(outside, "secret"), "secret");
  symlinkSync(outside, inVolume("link"));
  symlinkSync(join(outside, "secret"), inVolume("file"));
  expect(await files.getInfo("/link")).toMatchObject({ type: "symlink", target: outside });
  const attempts = await Promise.allSettled([
    files.readFile("/link/secret"),
    files.readFile("/file"),
    files.list("/link"),
    files.writeFile("/link/new", parts("x")),
    files.makeDir("/link/new", { force: true }),
    files.remove("/link/secret"),
    files.updateMetadata("/file", { mode: 0o777 }),
  ]);
  const codes = attempts.map((each) => (each.status === "rejected" ? each.reason.code : "GOT in"));
  expect(new Set(codes)).toEqual(new Set(["invalid_path", "permission_denied"]));
  await files.writeFile("/file", parts("inside"));
  await files.remove("/link");
  expect(readFileSync(join(outside, "secret"), "utf8")).toBe("secret");
  expect(readFileSync(inVolume("file"), "utf8")).toBe("inside");
});

test("a stream that is left gives the volume back", async () => {
  await files.writeFile("/a", parts("x".repeat(900_000)));
  const reader = (await files.readFile("/a")).getReader();
  await reader.read();
  await expect(store.delete("data")).rejects.toMatchObject({ code: "volume_in_use" });
  await reader.cancel();
});
