import { randomBytes } from "node:crypto";
import type { BigIntStats } from "node:fs";
import { readdir, readlink } from "node:fs/promises";
import { basename, join } from "node:path/posix";
import { EmberboxError, type VolumeEntry } from "@emberbox/core";
import type { VolumeFiles, VolumeMetadata, VolumeWriteOptions } from "@emberbox/core/provider";
import { closeFd } from "../host/descriptors.ts";
import { at, find, itself, statsOf, withEntry } from "./at.ts";
import { errno, isName, OWNER, Refusal } from "./protocol.ts";
import type { VolumeStore } from "./store.ts";
import { type OpenFile, PERMISSIONS, type Place, type Tree } from "./tree.ts";

/** Entries of a listing; a directory that has more, with those below it, is refused. */
const MAX_ENTRIES = 100_000;
const PIECE_BYTES = 256 * 1024;
const DIRECTORY_MODE = 0o755;
const FILE_MODE = 0o644;

/** Works on a volume's files for this program, with the same limits as sandboxes and beside them. */
export function volumeFiles(store: VolumeStore, name: string): VolumeFiles {
  const using = async <T>(path: string, work: (tree: Tree) => Promise<T>): Promise<T> => {
    const { tree, release } = await store.open(name);
    try {
      return await work(tree);
    } catch (error) {
      throw explained(error, path);
    } finally {
      await release();
    }
  };
  return {
    list: (path, { depth = 1 } = {}) =>
      using(path, (tree) =>
        inside(tree, namesIn(path), async (directory) => {
          const entries: VolumeEntry[] = [];
          await listInto(entries, directory, join("/", path), depth);
          return entries;
        }),
      ),
    makeDir: (path, options = {}) =>
      using(path, async (tree) => {
        requireOwner(options);
        const { mode = DIRECTORY_MODE, force = false } = options;
        const names = namesIn(path);
        if (force) await makeAll(tree, names.slice(0, -1));
        return inParent(tree, names, async (place) => {
          const made = tree.makeDirectory(place, mode);
          await (force ? made.catch(ifThere) : made);
          return entryAt(place, path);
        });
      }),
    getInfo: (path) => using(path, (tree) => infoOf(tree, path)),
    updateMetadata: (path, metadata) =>
      using(path, async (tree) => {
        requireOwner(metadata);
        const { mode } = metadata;
        if (mode !== undefined)
          await inParent(tree, namesIn(path), ({ directory, name: entry }) =>
            withEntry(directory, entry, ({ fd, stats }) => tree.changeMode(fd, stats, mode)),
          );
        return infoOf(tree, path);
      }),
    readFile: (path, { signal } = {}) =>
      using(path, (tree) =>
        inParent(tree, namesIn(path), async (place) => {
          const file = await tree.openFile(place, undefined, 0);
          // The stream outlives this call, and needs the volume as long.
          const { release } = await store.open(name);
          const end = async (): Promise<void> => {
            await tree.closeFile(file);
            await release();
          };
          return streamOf(tree, file, end, signal);
        }),
      ),
    writeFile: (path, data, options = {}) =>
      using(path, async (tree) => {
        requireOwner(options);
        const names = namesIn(path);
        if (options.force) await makeAll(tree, names.slice(0, -1));
        return inParent(tree, names, async (place) => {
          await writeAt(tree, place, data, options);
          return entryAt(place, path);
        });
      }),
    remove: (path) =>
      using(path, (tree) => inParent(tree, namesIn(path), (place) => removeAt(tree, place))),
  };
}

function namesIn(path: string): string[] {
  // Latin1, one character for each byte, as all names are here.
  const names = Buffer.from(path).toString("latin1").split("/").filter(Boolean);
  if (!names.every(isName)) throw new Refusal("EINVAL");
  return names;
}

const textOf = (name: string): string => Buffer.from(name, "latin1").toString();

/** Does work in a directory, reached name by name from the root. */
async function inside<T>(
  tree: Tree,
  names: readonly string[],
  work: (directory: number) => Promise<T>,
  from: number = tree.root,
): Promise<T> {
  const [first, ...rest] = names;
  if (first === undefined) return work(from);
  return withEntry(from, first, ({ fd, stats }) => {
    if (!stats.isDirectory()) throw new Refusal("ENOTDIR");
    return inside(tree, rest, work, fd);
  });
}

function inParent<T>(
  tree: Tree,
  names: readonly string[],
  work: (place: Place) => Promise<T>,
): Promise<T> {
  const name = names.at(-1);
  if (name === undefined) throw new Refusal("EPERM");
  return inside(tree, names.slice(0, -1), (directory) => work({ directory, name }));
}

async function infoOf(tree: Tree, path: string): Promise<VolumeEntry> {
  const names = namesIn(path);
  if (names.length > 0) return inParent(tree, names, (place) => entryAt(place, path));
  return inside(tree, [], async (fd) => describe(await statsOf(fd), "/", undefined));
}

function entryAt({ directory, name }: Place, path: string): Promise<VolumeEntry> {
  return withEntry(directory, name, async ({ stats }) => {
    const target = stats.isSymbolicLink() ? await readlink(at(directory, name)) : undefined;
    return describe(stats, join("/", path), target);
  });
}

function describe(stats: BigIntStats, path: string, target: string | undefined): VolumeEntry {
  const clean = path.length > 1 ? path.replace(/\/+$/, "") : path;
  return {
    name: basename(clean),
    path: clean,
    type: typeOf(stats),
    size: Number(stats.size),
    mode: Number(stats.mode) & PERMISSIONS,
    uid: OWNER,
    gid: OWNER,
    atime: stats.atime,
    mtime: stats.mtime,
    ctime: stats.ctime,
    ...(target !== undefined && { target }),
  };
}

function typeOf(stats: BigIntStats): VolumeEntry["type"] {
  if (stats.isFile()) return "file";
  if (stats.isDirectory()) return "directory";
  return stats.isSymbolicLink() ? "symlink" : "unknown";
}

async function listInto(
  entries: VolumeEntry[],
  directory: number,
  path: string,
  depth: number,
): Promise<void> {
  for (const name of (await readdir(itself(directory), { encoding: "latin1" })).toSorted()) {
    if (entries.length >= MAX_ENTRIES) throw new Refusal("ENOMEM");
    const below = join(path, textOf(name));
    // What is removed meanwhile is not there.
    const entry = await entryAt({ directory, name }, below).catch(() => undefined);
    if (entry === undefined) continue;
    entries.push(entry);
    if (entry.type !== "directory" || depth === 1) continue;
    await withEntry(directory, name, ({ fd, stats }) =>
      stats.isDirectory() ? listInto(entries, fd, below, depth - 1) : Promise.resolve(),
    );
  }
}

async function makeAll(
  tree: Tree,
  names: readonly string[],
  from: number = tree.root,
): Promise<void> {
  const [first, ...rest] = names;
  if (first === undefined) return;
  await tree.makeDirectory({ directory: from, name: first }, DIRECTORY_MODE).catch(ifThere);
  await inside(tree, [first], (directory) => makeAll(tree, rest, directory), from);
}

function ifThere(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
}

/** Written beside its place and moved there, so that nobody sees a part of it. */
async function writeAt(
  tree: Tree,
  place: Place,
  data: AsyncIterable<Uint8Array>,
  { mode, signal }: VolumeWriteOptions,
): Promise<void> {
  const there = await find(place.directory, place.name).catch(() => undefined);
  if (there !== undefined) await closeFd(there.fd);
  if (there?.stats.isDirectory()) throw new Refusal("EISDIR");
  const kept = there?.stats.isFile() ? Number(there.stats.mode) : FILE_MODE;
  const building = { ...place, name: `.emberbox-${randomBytes(8).toString("hex")}` };
  const file = await tree.create(building, mode ?? kept);
  try {
    let length = 0;
    try {
      for await (const part of data) {
        signal?.throwIfAborted();
        const bytes = Buffer.from(part.buffer, part.byteOffset, part.byteLength);
        for (let begin = 0; begin < bytes.length;) {
          const written = await tree.write(file, bytes.subarray(begin), length);
          begin += written;
          length += written;
        }
      }
    } finally {
      await tree.closeFile(file);
    }
    await tree.rename(building, place);
  } catch (error) {
    await tree.unlink(building);
    throw error;
  }
}

/** Goes down by descriptors: what is swapped for a link meanwhile is removed as a link. */
async function removeAt(tree: Tree, place: Place): Promise<void> {
  const isDirectory = await withEntry(place.directory, place.name, async ({ fd, stats }) => {
    if (!stats.isDirectory()) return false;
    for (const name of await readdir(itself(fd), { encoding: "latin1" }))
      await removeAt(tree, { directory: fd, name }).catch(ifGone);
    return true;
  });
  await (isDirectory ? tree.removeDirectory(place) : tree.unlink(place));
}

function ifGone(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
}

function streamOf(
  tree: Tree,
  file: OpenFile,
  end: () => Promise<void>,
  signal: AbortSignal | undefined,
): ReadableStream<Uint8Array> {
  let offset = 0;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          signal?.throwIfAborted();
          const part = await tree.read(file, offset, PIECE_BYTES);
          offset += part.length;
          if (part.length > 0) return controller.enqueue(part);
          await end();
          controller.close();
        } catch (error) {
          await end();
          throw error;
        }
      },
      cancel: end,
    },
    { highWaterMark: 0 },
  );
}

function requireOwner({ uid = OWNER, gid = OWNER }: VolumeMetadata): void {
  if (uid === OWNER && gid === OWNER) return;
  const why = `all that is in a volume belongs to the user ${OWNER}`;
  throw new EmberboxError("unsupported", `Another owner cannot be set: ${why}`);
}

const codes: Readonly<Record<number, EmberboxError["code"]>> = {
  [errno.EPERM]: "permission_denied",
  13: "permission_denied",
  [errno.ENOENT]: "file_not_found",
  17: "file_exists",
  [errno.ENOTDIR]: "invalid_path",
  [errno.EISDIR]: "invalid_path",
  [errno.EINVAL]: "invalid_path",
  [errno.ENOTSUP]: "invalid_path",
  40: "invalid_path",
  [errno.ENAMETOOLONG]: "invalid_path",
  [errno.ENOSPC]: "disk_full",
  [errno.ENOMEM]: "file_too_large",
};

function explained(error: unknown, path: string): unknown {
  const { errno: number, message } = error as NodeJS.ErrnoException;
  const code = number === undefined ? undefined : codes[Math.abs(number)];
  if (code === undefined) return error;
  // A message of the system's has a path of this machine.
  const why = message.split(/[,:] /)[0];
  return new EmberboxError(code, `${path} in the volume: ${why}`, { cause: error });
}
