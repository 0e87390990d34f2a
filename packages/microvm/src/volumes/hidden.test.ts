import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { errno, ROOT } from "./protocol.ts";
import { VolumeServer } from "./server.ts";
import { Client, u32, u64 } from "./testing/client.ts";
import { Tree } from "./tree.ts";

let files: string;
let tree: Tree;
let server: VolumeServer;
let guest: Client;

/** `.env` anywhere, `/top/key`, and directories named `build`. */
const hides = (path: string, isDirectory: boolean): boolean =>
  /(^|\/)\.env$/.test(path) ||
  path === "top/key" ||
  (isDirectory && /(^|\/)build$/.test(path)) ||
  /(^|\/)build\//.test(path);

beforeEach(async () => {
  files = mkdtempSync(join(tmpdir(), "emberbox-hidden-"));
  for (const directory of ["top", "build", "a/b", "sub/build"])
    mkdirSync(join(files, directory), { recursive: true });
  for (const file of [".env", "seen", "top/key", "top/lock", "a/b/.env", "a/build"])
    writeFileSync(join(files, file), `in ${file}`);
  tree = await Tree.openAsItIs(files, { bytes: 10_000, files: 10 });
  server = new VolumeServer(tree, undefined, hides);
  guest = new Client(server);
});
afterEach(async () => {
  await server.close();
  await tree.close();
  rmSync(files, { recursive: true, force: true });
});

test("what is hidden is not found, and not listed", async () => {
  expect(await guest.names(ROOT)).toEqual(["a", "seen", "sub", "top"]);
  const [a, top] = [await guest.lookup(ROOT, "a"), await guest.lookup(ROOT, "top")];
  expect(await guest.names(top)).toEqual(["lock"]);
  // A file of a directory's name is none.
  expect(await guest.names(a)).toEqual(["b", "build"]);
  for (const [node, name] of [
    [ROOT, ".env"],
    [ROOT, "build"],
    [top, "key"],
  ] as const)
    await expect(guest.lookup(node, name)).rejects.toMatchObject({ error: errno.ENOENT });
});

test("nothing takes a hidden name, whoever asks for it", async () => {
  const seen = await guest.lookup(ROOT, "seen");
  const refused = { error: errno.EACCES };
  const create = [u32(0o2), u32(0o644), u64(0), ".env"] as const;
  expect(await guest.ask("create", ROOT, ...create)).toMatchObject(refused);
  expect(await guest.ask("mknod", ROOT, u32(0o100644), Buffer.alloc(12), ".env")).toMatchObject(
    refused,
  );
  expect(await guest.ask("symlink", ROOT, ".env", "seen")).toMatchObject(refused);
  expect(await guest.ask("link", ROOT, u64(seen), ".env")).toMatchObject(refused);
  expect(await guest.ask("mkdir", ROOT, u32(0o755), u32(0), "build")).toMatchObject(refused);
  expect(await guest.ask("rename", ROOT, u64(ROOT), "seen", ".env")).toMatchObject(refused);
  expect(readFileSync(join(files, ".env"), "utf8")).toBe("in .env");
});

test("what is hidden is neither removed nor moved", async () => {
  const top = await guest.lookup(ROOT, "top");
  const gone = { error: errno.ENOENT };
  expect(await guest.ask("unlink", ROOT, ".env")).toMatchObject(gone);
  expect(await guest.ask("rmdir", ROOT, "build")).toMatchObject(gone);
  expect(await guest.ask("rename", ROOT, u64(ROOT), ".env", "shown")).toMatchObject(gone);
  // By another name of its directory, it would be seen.
  const apart = { error: errno.EXDEV };
  expect(await guest.ask("rename", ROOT, u64(ROOT), "top", "other")).toMatchObject(apart);
  expect(await guest.ask("rename", ROOT, u64(ROOT), "a", "other")).toMatchObject(apart);
  expect(await guest.ask("rename", ROOT, u64(ROOT), "seen", "moved")).toMatchObject({ error: 0 });
  expect(await guest.ask("rename", top, u64(ROOT), "lock", "lock")).toMatchObject({ error: 0 });
  expect(readdirSync(files).toSorted()).toEqual([
    ...[".env", "a", "build", "lock", "moved", "sub", "top"],
  ]);
});

test("what is added to a folder is limited", async () => {
  const { node, handle } = await guest.create(ROOT, "large");
  expect(await guest.setattr(node, 8, { size: 20_000 })).toMatchObject({ error: errno.ENOSPC });
  await guest.release(node, handle);
  for (let index = 0; index < 9; index++) await guest.mkdir(ROOT, `d${index}`);
  await expect(guest.mkdir(ROOT, "more")).rejects.toMatchObject({ error: errno.ENOSPC });
});
