import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { WorkspaceMount } from "@emberbox/core/workspace";
import { afterAll, beforeEach, expect, test, vi } from "vitest";
import { type Folders, FOLDERS, openFolders } from "./folders.ts";
import { unusedFolders } from "./unused.ts";

const place = mkdtempSync(join(tmpdir(), "emberbox-folders-"));
afterAll(() => rmSync(place, { recursive: true, force: true }));

let home: string;
let host: string;
let folders: Folders;
let runs = 0;
beforeEach(() => {
  home = join(place, `home-${runs}`);
  host = join(place, `host-${runs++}`);
  mkdirSync(host);
  writeFileSync(join(host, "file"), "text");
  folders = openFolders(home);
});

const mountOf = (changes: Partial<WorkspaceMount> = {}): WorkspaceMount => {
  const { size, mtimeMs, ctimeMs } = statSync(join(host, "file"));
  const long = { ctimeMs: ctimeMs - 1000 };
  const entry = { path: "file", type: "file", mode: 0o644, size, mtimeMs, ...long } as const;
  const baseline = { entries: [entry], digest: "0".repeat(64) };
  return { host, guest: "/w", mode: "review", baseline, isIgnored: () => false, ...changes };
};
const bring = (...mounts: WorkspaceMount[]): ReturnType<Folders["bring"]> =>
  folders.bring(mounts, { onProgress: () => {} });
const kept = (): string[] => readdirSync(join(home, FOLDERS)).toSorted();

test("a folder is read once, however many ask for it, until it changes", async () => {
  const [one, two] = await Promise.all([bring(mountOf()), bring(mountOf())]);
  expect(two).toEqual(one);
  const { ino } = statSync(one.folderImage!.path);
  expect(statSync((await bring(mountOf())).folderImage!.path).ino).toBe(ino);
  expect(kept()).toHaveLength(2);
  // Of the same size and time, as after a careful copy.
  const { atime, mtime } = statSync(join(host, "file"));
  writeFileSync(join(host, "file"), "TEXT");
  utimesSync(join(host, "file"), atime, mtime);
  const changed = await bring(mountOf());
  expect(changed.folderImage!.key).not.toBe(one.folderImage!.key);
  const [before, after] = await Promise.all(
    [one, changed].map(({ workspaces }) => folders.images.baseline(workspaces[0]!.baseline)),
  );
  expect(before!.entries[0]!.digest).not.toBe(after!.entries[0]!.digest);
});

test("what is changed while it is brought is read anew the next time", async () => {
  const mount = mountOf();
  const [entry] = mount.baseline.entries;
  const baseline = { ...mount.baseline, entries: [{ ...entry!, ctimeMs: Date.now() + 60_000 }] };
  const [one, two] = [await bring({ ...mount, baseline }), await bring({ ...mount, baseline })];
  expect(two.folderImage!.key).not.toBe(one.folderImage!.key);
  expect(two.workspaces[0]!.baseline).not.toBe(one.workspaces[0]!.baseline);
});

test("a folder that is worked on itself is in no image", async () => {
  const { workspaces, folderImage } = await bring(mountOf({ mode: "live" }));
  expect([workspaces[0]!.mode, folderImage]).toEqual(["live", undefined]);
  const [mount] = await folders.openLive(workspaces);
  expect(mount).toMatchObject({ path: "/w" });
  await mount!.lease.release();
  // A snapshot of somebody else's that names it, in another program.
  const other = openFolders(home);
  const foreign = workspaces.map((each) => ({ ...each, isForeign: true as const }));
  await expect(other.openLive(foreign)).rejects.toMatchObject({ code: "unsupported" });
  const [again] = await other.openLive(workspaces);
  expect([again!.hides!("file", false), again!.hides!(".env", false)]).toEqual([false, true]);
  await again!.lease.release();
});

test("an end before it is written leaves nothing behind", async () => {
  const stop = new AbortController();
  const bringing = folders.bring([mountOf()], { onProgress: () => {}, signal: stop.signal });
  bringing.catch(() => {});
  await vi.waitUntil(() => existsSync(join(home, FOLDERS)), { interval: 2 });
  stop.abort(new Error("stopped"));
  await expect(bringing).rejects.toThrow("stopped");
  await expect.poll(() => readdirSync(home, { recursive: true })).toEqual([FOLDERS]);
  await bring(mountOf());
});

test("what cannot be an image is refused", async () => {
  const { baseline } = mountOf();
  const deep = Array.from({ length: 300 }, (_, index) => ({
    ...({ type: "directory", mode: 0o755, size: 0, mtimeMs: 0 } as const),
    path: Array(index + 1)
      .fill("d")
      .join("/"),
  }));
  mkdirSync(join(host, deep.at(-1)!.path), { recursive: true });
  await expect(bring(mountOf({ baseline: { ...baseline, entries: deep } }))).rejects.toMatchObject({
    code: "invalid_argument",
  });
  expect(kept()).toEqual([]);
});

test("what was saved comes back, but for what is no baseline", async () => {
  const { folderImage, workspaces } = await bring(mountOf());
  const saved = join(place, "saved");
  mkdirSync(saved);
  for (const name of kept()) linkSync(join(home, FOLDERS, name), join(saved, name));
  const other = openFolders(join(place, "other"));
  const names = [`${workspaces[0]!.baseline}.baseline`];
  expect(await other.images.restore(saved, folderImage!.key, names)).toMatchObject({
    key: folderImage!.key,
  });
  expect((await other.images.baseline(workspaces[0]!.baseline))!.entries).toHaveLength(1);
  const { digest, entries } = mountOf().baseline;
  for (const path of ["../out", "/out", "a//b", "a/.."]) {
    const evil = await other.images.keep({ digest, entries: [{ ...entries[0]!, path }] });
    await expect(other.images.baseline(evil)).rejects.toThrow();
  }
});

test("what nobody needs is unused after a day", async () => {
  const { folderImage } = await bring(mountOf());
  const directory = join(home, FOLDERS);
  const later = Date.now() + 25 * 60 * 60 * 1000;
  const { path } = folderImage!;
  expect(await unusedFolders(directory, new Set())).toEqual([]);
  expect(await unusedFolders(directory, new Set(), later)).toHaveLength(2);
  expect(await unusedFolders(directory, new Set([path]), later)).toEqual([]);
  linkSync(path, join(place, "of a saved sandbox"));
  expect(await unusedFolders(directory, new Set(), later)).not.toContain(path);
});
