import {
  closeSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { errno, MAX_WRITE, operations, ROOT } from "./protocol.ts";
import { VolumeServer } from "./server.ts";
import { Client, request, u32, u64 } from "./testing/client.ts";
import { Tree } from "./tree.ts";

const LIMITS = { bytes: 1_000_000, files: 100 };
const SECRET = "what is outside";

let outer: string;
let files: string;
let tree: Tree;
let server: VolumeServer;
let guest: Client;

beforeEach(async () => {
  outer = mkdtempSync(join(tmpdir(), "emberbox-volume-"));
  files = join(outer, "files");
  mkdirSync(files);
  mkdirSync(join(outer, "outside"));
  writeFileSync(join(outer, "outside", "secret"), SECRET);
  tree = await Tree.open(files, LIMITS);
  server = new VolumeServer(tree);
  guest = new Client(server);
});

/** Whatever a test did, nothing outside was touched, and nothing is left open. */
afterEach(async () => {
  await server.close();
  await tree.close();
  expect(readdirSync(outer).toSorted()).toEqual(["files", "outside"]);
  expect(readdirSync(join(outer, "outside"))).toEqual(["secret"]);
  expect(readFileSync(join(outer, "outside", "secret"), "utf8")).toBe(SECRET);
  const open = readdirSync("/proc/self/fd").map(openAs);
  expect(open.filter((path) => path.startsWith(outer))).toEqual([]);
  rmSync(outer, { recursive: true, force: true });
});

function openAs(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return ""; // That of the listing itself.
  }
}

describe("files", () => {
  test("are made, written, read, listed, renamed and removed", async () => {
    const directory = await guest.mkdir(ROOT, "d");
    const { node, handle } = await guest.create(directory, "a");
    expect(await guest.write(node, handle, "hello")).toBe(5);
    expect(await guest.read(node, handle)).toBe("hello");
    expect(readFileSync(join(files, "d/a"), "utf8")).toBe("hello");
    expect(await guest.names(directory)).toEqual(["a"]);
    expect(await guest.ask("rename", directory, u64(ROOT), "a", "b")).toMatchObject({ error: 0 });
    expect(await guest.lookup(ROOT, "b")).toBe(node);
    await guest.release(node, handle);
    const again = await guest.open(node);
    expect(await guest.read(node, again)).toBe("hello");
    expect(await guest.ask("unlink", ROOT, "b")).toMatchObject({ error: 0 });
    // It has lost its name, and is still open.
    expect(await guest.read(node, again)).toBe("hello");
    expect(await guest.attributes(node)).toMatchObject({ size: 5, nlink: 0 });
    expect(await guest.ask("rmdir", ROOT, "d")).toMatchObject({ error: 0 });
    expect(readdirSync(files)).toEqual([]);
  });

  test("that are appended to by two at once have all of it", async () => {
    const other = new Client(new VolumeServer(tree));
    const flags = 0o2001;
    const one = await guest.create(ROOT, "log", { flags });
    const node = await other.lookup(ROOT, "log");
    const handle = await other.open(node, flags);
    // Both think that it is empty.
    await guest.write(one.node, one.handle, "one\n", 0, flags);
    await other.write(node, handle, "two\n", 0, flags);
    expect(readFileSync(join(files, "log"), "utf8")).toBe("one\ntwo\n");
    await other.release(node, handle);
  });

  test("have permissions, without bits that change who runs them", async () => {
    const { node } = await guest.create(ROOT, "a", { mode: 0o6755 });
    expect((await guest.attributes(node)).mode).toBe(0o100755);
    await guest.setattr(node, 1, { mode: 0o4711 });
    expect(statSync(join(files, "a")).mode).toBe(0o100711);
    const directory = await guest.mkdir(ROOT, "d", 0o1777);
    expect((await guest.attributes(directory)).mode).toBe(0o40777);
    await guest.setattr(directory, 1, { mode: 0 });
    expect((await guest.attributes(directory)).mode).toBe(0o40700);
  });

  test("belong to one user", async () => {
    const { node } = await guest.create(ROOT, "a");
    expect(await guest.setattr(node, 2, { uid: 1000 })).toMatchObject({ error: 0 });
    expect(await guest.setattr(node, 2, { uid: 0 })).toMatchObject({ error: errno.EPERM });
  });

  test("with names of any bytes", async () => {
    const name = "\xff\x80 \n";
    const { node } = await guest.create(ROOT, name);
    expect(await guest.names(ROOT)).toEqual([name]);
    expect(await guest.lookup(ROOT, name)).toBe(node);
  });

  test("with two names are one, and take space once", async () => {
    const { node, handle } = await guest.create(ROOT, "a");
    await guest.write(node, handle, "12345");
    await guest.release(node, handle);
    const { body } = await guest.ask("link", ROOT, u64(node), "b");
    expect(Number(body.readBigUInt64LE(0))).toBe(node);
    expect(tree.space).toMatchObject({ freeBytes: LIMITS.bytes - 5, freeFiles: 99 });
    await guest.ask("unlink", ROOT, "a");
    expect(tree.space).toMatchObject({ freeBytes: LIMITS.bytes - 5, freeFiles: 99 });
    await guest.ask("unlink", ROOT, "b");
    expect(tree.space).toMatchObject({ freeBytes: LIMITS.bytes, freeFiles: 100 });
  });
});

async function readSecret(): Promise<string> {
  const directory = await guest.lookup(ROOT, "d");
  const node = await guest.lookup(directory, "secret");
  const handle = await guest.open(node, 0o2);
  const text = await guest.read(node, handle);
  await guest.release(node, handle);
  return text;
}

describe("nothing leads outside", () => {
  test("by a name", async () => {
    const { node, handle } = await guest.create(ROOT, "a");
    for (const name of [
      "..",
      ".",
      "",
      "/",
      "../outside",
      "/etc/passwd",
      "a/../../outside/secret",
    ]) {
      for (const attempt of [
        guest.ask("lookup", ROOT, name),
        guest.ask("unlink", ROOT, name),
        guest.ask("rmdir", ROOT, name),
        guest.ask("mkdir", ROOT, u32(0o755), u32(0), name),
        guest.ask("mknod", ROOT, u32(0o100644), u64(0), u32(0), name),
        guest.ask("create", ROOT, u32(0o102), u32(0o644), u64(0), name),
        guest.ask("symlink", ROOT, name, "target"),
        guest.ask("link", ROOT, u64(node), name),
        guest.ask("rename", ROOT, u64(ROOT), "a", name),
        guest.ask("rename", ROOT, u64(ROOT), name, "b"),
      ])
        expect(await attempt, name).toMatchObject({ error: errno.EINVAL });
    }
    const long = await guest.ask("lookup", ROOT, "n".repeat(256));
    expect(long.error).toBe(errno.ENAMETOOLONG);
    const endless = await guest.ask("lookup", ROOT, Buffer.from("no end"));
    expect(endless.error).toBe(errno.EINVAL);
    await guest.release(node, handle);
    expect(readdirSync(files)).toEqual(["a"]);
  });

  test("by a link, which is kept and never followed", async () => {
    for (const target of ["../outside", join(outer, "outside"), "../outside/secret"]) {
      const { body } = await guest.ask("symlink", ROOT, "link", target);
      const node = Number(body.readBigUInt64LE(0));
      expect((await guest.ask("readlink", node)).body.toString()).toBe(target);
      expect((await guest.ask("open", node, u32(0), u32(0))).error).not.toBe(0);
      expect((await guest.ask("open", node, u32(0o1001), u32(0))).error).not.toBe(0);
      expect((await guest.ask("lookup", node, "secret")).error).toBe(errno.ENOTDIR);
      expect((await guest.ask("opendir", node, u32(0), u32(0))).error).toBe(errno.ENOTDIR);
      const into = await guest.ask("create", node, u32(0o102), u32(0o644), u64(0), "new");
      expect(into.error).toBe(errno.ENOTDIR);
      // Where something is made, a link that is there is no way.
      const over = await guest.ask("create", ROOT, u32(0o1101), u32(0o644), u64(0), "link");
      expect(over.error).not.toBe(0);
      expect((await guest.setattr(node, 1, { mode: 0o777 })).error).toBe(errno.ENOTSUP);
      expect((await guest.setattr(node, 8, { size: 0 })).error).not.toBe(0);
      expect(await guest.setattr(node, 16 | 32)).toMatchObject({ error: 0 });
      expect(await guest.ask("unlink", ROOT, "link")).toMatchObject({ error: 0 });
    }
    expect(statSync(join(outer, "outside", "secret")).mtimeMs).toBeGreaterThan(10_000);
  });

  test("by a directory or file that is swapped for a link", async () => {
    const directory = await guest.mkdir(ROOT, "d");
    const inner = await guest.mkdir(directory, "e");
    const { node, handle } = await guest.create(directory, "secret");
    await guest.release(node, handle);
    await server.close();
    // As the server of a mount that has nothing open: it has to go by the names.
    server = new VolumeServer(tree, server.save());
    guest = new Client(server);
    renameSync(join(files, "d"), join(files, "moved"));
    symlinkSync("../outside", join(files, "d"));
    for (const attempt of [
      guest.ask("lookup", directory, "secret"),
      guest.ask("open", node, u32(0o1002), u32(0)),
      guest.ask("getattr", node, u32(0), u32(0), u64(0)),
      guest.ask("create", directory, u32(0o102), u32(0o644), u64(0), "new"),
      guest.ask("unlink", directory, "secret"),
      guest.ask("mkdir", inner, u32(0o755), u32(0), "new"),
      guest.ask("rename", directory, u64(ROOT), "secret", "got"),
    ])
      expect((await attempt).error).not.toBe(0);
    expect(readdirSync(files).toSorted()).toEqual(["d", "moved"]);
  });

  test("while directories and links take each other's place", async () => {
    mkdirSync(join(files, "real"));
    writeFileSync(join(files, "real", "secret"), "inside");
    symlinkSync("../outside", join(files, "fake"));
    const move = (from: string, to: string): void => renameSync(join(files, from), join(files, to));
    for (let times = 0; times < 300; times++) {
      const reading = Promise.allSettled([readSecret(), readSecret()]);
      for (const kind of ["real", "fake", "real", "fake"]) {
        move(kind, "d");
        for (let turns = times % 7; turns > 0; turns--) await new Promise(setImmediate);
        move("d", kind);
      }
      for (const each of await reading)
        if (each.status === "fulfilled") expect(each.value).toBe("inside");
        else expect(each.reason).toMatchObject({ error: expect.any(Number) });
    }
    move("real", "d");
    expect(await readSecret()).toBe("inside");
  });

  test("by numbers that were not given out", async () => {
    const { node, handle } = await guest.create(ROOT, "a");
    const other = await guest.create(ROOT, "b");
    for (const forged of [0, 2 ** 31, 2n ** 64n - 1n, 12_345]) {
      expect((await guest.ask("getattr", forged, u32(0), u32(0), u64(0))).error).toBe(errno.ESTALE);
      expect((await guest.ask("lookup", forged, "a")).error).toBe(errno.ESTALE);
      expect((await guest.ask("open", forged, u32(0), u32(0))).error).toBe(errno.ESTALE);
      expect((await guest.ask("rename", ROOT, u64(forged), "a", "c")).error).not.toBe(0);
    }
    // A handle is good for the object that it was given for.
    const read = (of: number, by: number | bigint) =>
      guest.ask("read", of, u64(by), u64(0), u32(9), u32(0), u64(0), u32(0), u32(0));
    expect((await read(other.node, handle)).error).toBe(errno.EBADF);
    expect((await read(ROOT, handle)).error).toBe(errno.EBADF);
    expect((await read(ROOT, 5)).error).not.toBe(0);
    const list = await guest.ask("readdir", ROOT, u64(handle), u64(0), u32(99), u64(0), u64(0));
    expect(list.error).toBe(errno.EBADF);
    await guest.release(other.node, handle);
    expect(await guest.read(node, handle)).toBe("");
  });

  test("by devices, pipes and sockets", async () => {
    for (const kind of [0o010000, 0o020000, 0o060000, 0o140000]) {
      const made = await guest.ask("mknod", ROOT, u32(kind | 0o644), u32(0x103), u64(0), "x");
      expect(made.error).toBe(errno.EPERM);
    }
    expect(readdirSync(files)).toEqual([]);
  });
});

describe("limits", () => {
  test("of bytes", async () => {
    const { node, handle } = await guest.create(ROOT, "a");
    expect((await guest.setattr(node, 8, { size: LIMITS.bytes + 1 })).error).toBe(errno.ENOSPC);
    expect((await guest.setattr(node, 8, { size: 2 ** 52 })).error).toBe(errno.ENOSPC);
    expect(await guest.setattr(node, 8, { size: LIMITS.bytes - 3 })).toMatchObject({ error: 0 });
    await expect(guest.write(node, handle, "1234", LIMITS.bytes - 3)).rejects.toMatchObject({
      error: errno.ENOSPC,
    });
    await expect(guest.write(node, handle, "1", Number.MAX_SAFE_INTEGER - 5)).rejects.toMatchObject(
      { error: errno.ENOSPC },
    );
    expect(await guest.write(node, handle, "123", LIMITS.bytes - 3)).toBe(3);
    // What has no name takes space as long as it is open.
    await guest.ask("unlink", ROOT, "a");
    expect(tree.space.freeBytes).toBe(0);
    await guest.release(node, handle);
    expect(tree.space).toMatchObject({ freeBytes: LIMITS.bytes, freeFiles: LIMITS.files });
  });

  test("of files, also for those that were there", async () => {
    for (let index = 0; index < LIMITS.files; index++) await guest.mkdir(ROOT, `${index}`);
    const more = await guest.ask("mkdir", ROOT, u32(0o755), u32(0), "more");
    expect(more.error).toBe(errno.ENOSPC);
    const again = await Tree.open(files, LIMITS);
    expect(again.space.freeFiles).toBe(0);
    await again.close();
    await guest.ask("rmdir", ROOT, "7");
    await guest.mkdir(ROOT, "more");
  });

  test("of what is open", async () => {
    const { node } = await guest.create(ROOT, "a");
    const opened: number[] = [];
    const openAll = async (): Promise<void> => {
      for (let count = 0; count < 5000; count++) opened.push(await guest.open(node));
    };
    await expect(openAll()).rejects.toMatchObject({ error: errno.EMFILE });
    await guest.release(node, opened[0]!);
    await guest.open(node);
  });

  test("of what is under way at once", async () => {
    const asked = Array.from({ length: 500 }, () => guest.ask("lookup", ROOT, "none"));
    const errors = (await Promise.all(asked)).map(({ error }) => error);
    expect(errors.filter((error) => error === errno.ENOENT)).toHaveLength(64);
    expect(errors.filter((error) => error === errno.ENOMEM)).toHaveLength(436);
  });

  test("of replaced and moved files are kept right", async () => {
    for (const name of ["a", "b"]) {
      const { node, handle } = await guest.create(ROOT, name);
      await guest.write(node, handle, "12345");
      await guest.release(node, handle);
    }
    expect(await guest.ask("rename", ROOT, u64(ROOT), "a", "b")).toMatchObject({ error: 0 });
    expect(tree.space).toMatchObject({ freeBytes: LIMITS.bytes - 5, freeFiles: 99 });
    const truncated = await guest.open(await guest.lookup(ROOT, "b"), 0o1001);
    expect(truncated).toBeGreaterThan(0);
    expect(tree.space.freeBytes).toBe(LIMITS.bytes);
  });
});

describe("a descriptor", () => {
  test("is not closed while a call uses it: its number would be another file's", async () => {
    const made = await tree.create({ directory: tree.root, name: "a" }, 0o644);
    const gate = Promise.withResolvers<void>();
    const using = tree.use(made, async (fd) => {
      await gate.promise;
      return fstatSync(fd, { bigint: true }).ino;
    });
    await tree.closeFile(made);
    await expect(tree.read(made, 0, 1)).rejects.toMatchObject({ errno: errno.EBADF });
    const others = Array.from({ length: 16 }, () => openSync(join(outer, "outside/secret"), "r"));
    expect(others).not.toContain(made.fd);
    gate.resolve();
    expect(await using).toBe(made.ino);
    expect(() => fstatSync(made.fd)).toThrow("EBADF");
    for (const fd of others) closeSync(fd);
  });

  test("of the volume outlives what is under way when its machine ends", async () => {
    await guest.mkdir(ROOT, "d");
    const asked = Array.from({ length: 30 }, (_, index) =>
      guest.ask("mkdir", ROOT, u32(0o755), u32(0), `d${index}`),
    );
    await server.close();
    for (const { error } of await Promise.all(asked)) expect(error).toBe(0);
    expect(await server.handle(request(operations.lookup, ROOT, "d"))).toBeUndefined();
  });
});

describe("requests", () => {
  test("that are cut, or are of no known kind, are answered with errors", async () => {
    const { node, handle } = await guest.create(ROOT, "a");
    const none = new Set<number>([operations.forget, operations.batchForget, operations.interrupt]);
    const bodiless = new Set<number>([
      ...[operations.getattr, operations.readlink, operations.statfs],
      ...[operations.destroy, operations.fsyncdir, operations.opendir],
    ]);
    for (let operation = 0; operation < 64; operation++) {
      if (none.has(operation)) {
        expect(await server.handle(request(operation, node))).toBeUndefined();
        expect(await server.handle(request(operation, node, u32(2 ** 31)))).toBeUndefined();
        continue;
      }
      const { error } = await guest.ask(operation, node);
      if (!bodiless.has(operation)) expect(error, `${operation}`).not.toBe(0);
    }
    const sized = (size: number) =>
      guest.ask("write", node, u64(handle), u64(0), u32(size), u32(0), u64(0), u32(2), u32(0));
    for (const size of [5, MAX_WRITE, MAX_WRITE + 1, 2 ** 32 - 1])
      expect((await sized(size)).error).toBe(errno.EINVAL);
  });

  test("for more than is given at once are answered with as much", async () => {
    const { node, handle } = await guest.create(ROOT, "a");
    await guest.setattr(node, 8, { size: 900_000 });
    const big = await guest.read(node, handle, 2 ** 32 - 1);
    expect(big.length).toBe(256 * 1024);
    expect(await guest.read(node, handle, 10, Number.MAX_SAFE_INTEGER)).toBe("");
  });
});

describe("a sandbox that was saved", () => {
  test("goes on with the numbers that its kernel knows", async () => {
    const directory = await guest.mkdir(ROOT, "d");
    const { node, handle } = await guest.create(directory, "a");
    await guest.write(node, handle, "before");
    const saved = server.save();
    await server.close();
    server = new VolumeServer(tree, JSON.parse(JSON.stringify(saved)) as typeof saved);
    guest = new Client(server);
    expect(await guest.read(node, handle)).toBe("before");
    expect(await guest.names(directory)).toEqual(["a"]);
    // What it knows is not told to others by chance.
    expect((await guest.create(ROOT, "new")).node).toBeGreaterThan(node);
  });

  test("is told when a file is another one by now", async () => {
    const { node, handle } = await guest.create(ROOT, "a");
    const saved = server.save();
    await server.close();
    writeFileSync(join(files, "b"), "another");
    renameSync(join(files, "b"), join(files, "a"));
    server = new VolumeServer(tree, saved);
    guest = new Client(server);
    await expect(guest.read(node, handle)).rejects.toMatchObject({ error: errno.ESTALE });
    truncateSync(join(files, "a"));
  });
});
