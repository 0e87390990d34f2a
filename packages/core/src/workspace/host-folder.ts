import { createHash } from "node:crypto";
import { type BigIntStats, constants, lstatSync, readlinkSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { Directory } from "./directory.ts";
import type { GuestEntry } from "./guest-answer.ts";
import { nameOf, parentOf } from "./paths.ts";

/** What is at a path of the folder. */
export interface Found {
  readonly entry: GuestEntry & { readonly ctimeMs: number };
  /** Tells it from anything else that may be there later. */
  readonly id: string;
}

/**
 * What is at a path of the folder, by directories only. `blocked`: something above it is no directory, or is a link;
 * `undefined`: nothing is there.
 */
export function lookAt(root: Directory, path: string): Found | "blocked" | undefined {
  try {
    using parent = root.walk(parentOf(path));
    return foundAt(parent, nameOf(path), path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    if (code === "ELOOP" || code === "ENOTDIR") return "blocked";
    throw error;
  }
}

/** The same in a directory that is open. */
export function foundAt(
  directory: Directory,
  name: string,
  path: string = name,
): Found | undefined {
  const stats = lstatSync(directory.at(name), { bigint: true, throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  const type = typeOf(stats);
  return {
    // Numbers of inodes are given out again; what a directory has in it changes all the time.
    id: [
      ...[stats.dev, stats.ino],
      ...(type === "directory" ? [] : [stats.mtimeNs, stats.size]),
    ].join(":"),
    entry: {
      path,
      type,
      mode: Number(stats.mode) & 0o7777,
      size: type === "file" ? Number(stats.size) : 0,
      // As `lstat` without `bigint` has them.
      mtimeMs: milliseconds(stats.mtimeNs),
      ctimeMs: milliseconds(stats.ctimeNs),
      ...(type === "symlink" && {
        target: readlinkSync(directory.at(name), { encoding: "buffer" }).toString("latin1"),
      }),
    },
  };
}

const milliseconds = (ns: bigint): number => {
  const seconds = ns / 1_000_000_000n;
  return Number(seconds) * 1000 + Number(ns - seconds * 1_000_000_000n) / 1_000_000;
};

function typeOf(stats: BigIntStats): GuestEntry["type"] {
  if (stats.isFile()) return "file";
  if (stats.isDirectory()) return "directory";
  return stats.isSymbolicLink() ? "symlink" : "other";
}

/** Opens a file of the folder without following a link. @throws as `open` does */
export async function openFile(host: string, path: string): Promise<FileHandle> {
  using root = Directory.root(host);
  using parent = root.walk(parentOf(path));
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const file = await open(parent.at(nameOf(path)), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    if (!(await file.stat()).isFile()) throw new Error("it is not a file");
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** A file's bytes; nothing when it is not there, no file, or longer than `limit`. */
export async function readHostFile(
  host: string,
  path: string,
  limit: number,
): Promise<Buffer | undefined> {
  try {
    await using file = await openFile(host, path);
    if ((await file.stat()).size > limit) return undefined;
    const bytes = await file.readFile();
    return bytes.length > limit ? undefined : bytes;
  } catch {
    return undefined;
  }
}

/** SHA-256 of a file, as hex; nothing when it is not there. */
export async function hashHostFile(host: string, path: string): Promise<string | undefined> {
  try {
    await using file = await openFile(host, path);
    const hash = createHash("sha256");
    for await (const piece of file.createReadStream({ autoClose: false }))
      hash.update(piece as Buffer);
    return hash.digest("hex");
  } catch {
    return undefined;
  }
}
