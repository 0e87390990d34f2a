import { lstat, readdir, readlink } from "node:fs/promises";
import { EmberboxError } from "../../errors.ts";
import type { IsIgnored } from "./ignored.ts";

/** What is in a folder of this machine. Names are bytes, as they need not be UTF-8. */
export interface Scanned {
  /** Relative to the folder, which is an empty path itself. */
  readonly path: Buffer;
  readonly type: "file" | "directory" | "symlink" | "hardlink";
  /** Permission bits, without those to run as the owner. */
  readonly mode: number;
  readonly size: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  /** What a link says; the path of the file that a hard link is. */
  readonly target?: Buffer;
}

export interface Folder {
  /** Parents come before what is in them. */
  readonly entries: readonly Scanned[];
  readonly bytes: number;
  /** Paths of sockets, pipes and devices. */
  readonly skipped: readonly string[];
}

/** Looks at a folder without following any link. */
export async function scanFolder(
  root: string,
  isIgnored: IsIgnored,
  signal: AbortSignal | undefined,
): Promise<Folder> {
  const entries: Scanned[] = [];
  const skipped: string[] = [];
  const firsts = new Map<string, Buffer>();
  let bytes = 0;
  const visit = async (path: Buffer): Promise<void> => {
    signal?.throwIfAborted();
    const at = under(root, path);
    const stats = await lstat(at);
    if (path.length > 0 && isIgnored(path.toString("latin1"), stats.isDirectory())) return;
    const about = { path, mode: stats.mode & 0o1777, mtime: stats.mtimeMs / 1000, size: 0 };
    if (stats.isDirectory()) {
      entries.push({ ...about, type: "directory" });
      const names = await readdir(at, { encoding: "buffer" });
      for (const name of names.toSorted(Buffer.compare)) await visit(joined(path, name));
    } else if (stats.isSymbolicLink()) {
      const target = await readlink(at, { encoding: "buffer" });
      entries.push({ ...about, type: "symlink", target });
    } else if (stats.isFile()) {
      const same = `${stats.dev}:${stats.ino}`;
      const target = firsts.get(same);
      if (target !== undefined) {
        entries.push({ ...about, type: "hardlink", target });
        return;
      }
      if (stats.nlink > 1) firsts.set(same, path);
      bytes += stats.size;
      entries.push({ ...about, type: "file", size: stats.size });
    } else skipped.push(String(path));
  };
  await visit(Buffer.alloc(0));
  return { entries, bytes, skipped };
}

const SLASH = Buffer.from("/");

const joined = (path: Buffer, name: Buffer): Buffer =>
  path.length === 0 ? name : Buffer.concat([path, SLASH, name]);

/** The place of a path in a folder. */
export const under = (root: string, path: Buffer): Buffer =>
  path.length === 0 ? Buffer.from(root) : joined(Buffer.from(root), path);

/** Why a folder of this machine cannot be sent. */
export const notReadable = (cause: unknown): EmberboxError =>
  new EmberboxError(
    "invalid_path",
    `The folder to upload cannot be read: ${(cause as Error).message}`,
    { cause, hint: "Correct the path, or leave out what cannot be read by `ignore`." },
  );
