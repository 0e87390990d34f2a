import { lstatSync, readdirSync, readlinkSync, type Stats } from "node:fs";
import { native } from "../native.ts";
import type { MountedWorkspace } from "../workspaces.ts";

/** What is at a path; `other` is what is no file, directory or link: a pipe, a socket, a device. */
export interface Entry {
  readonly path: string;
  readonly type: "file" | "directory" | "symlink" | "other";
  /** Permission bits. */
  readonly mode: number;
  readonly size: number;
  readonly mtimeMs: number;
  readonly target?: string;
}

/** What was written to; `removed` is told what is gone. */
export function* entriesIn(
  { original, changed }: MountedWorkspace,
  removed: string[],
): Generator<Entry> {
  /** `isSeen`: what the folder had in this directory is seen through the upper one. */
  function* look(directory: string, isSeen: boolean): Generator<Entry> {
    for (const name of namesIn(changed, directory)) {
      const path = directory === "" ? name : `${directory}/${name}`;
      const stats = lookAt(changed, path);
      // It was removed meanwhile.
      if (stats === undefined) continue;
      const isHidden = isWhiteout(stats);
      if (!isHidden && !stats.isDirectory()) {
        yield entryOf(path, stats);
        continue;
      }
      const was = isSeen ? lookAt(original, path) : undefined;
      if (isHidden) {
        if (was) removed.push(path);
        continue;
      }
      const isMerged = was?.isDirectory() === true && !hasOpaqueMark(changed, path);
      if (was?.isDirectory() && !isMerged) removed.push(path);
      if (!isMerged || permissions(was) !== permissions(stats)) yield entryOf(path, stats);
      yield* look(path, isMerged);
    }
  }
  const entryOf = (path: string, stats: Stats): Entry => ({
    path,
    type: typeOf(stats),
    mode: permissions(stats),
    size: stats.isFile() ? stats.size : 0,
    mtimeMs: stats.mtimeMs,
    ...(stats.isSymbolicLink() && { target: readlinkSync(placeOf(changed, path), "latin1") }),
  });
  yield* look("", true);
}

/** As bytes: names need not be UTF-8. */
export const placeOf = (root: string, path: string): Buffer =>
  Buffer.from(`${root}/${path}`, "latin1");

function lookAt(root: string, path: string): Stats | undefined {
  try {
    return lstatSync(placeOf(root, path), { throwIfNoEntry: false });
  } catch {
    return undefined; // A directory above it is something else.
  }
}

function namesIn(root: string, path: string): string[] {
  try {
    return readdirSync(placeOf(root, path), "latin1");
  } catch {
    return []; // It was removed meanwhile.
  }
}

const permissions = ({ mode }: Stats): number => mode & 0o7777;

/** What hides an entry of the lower directory. */
const isWhiteout = (stats: Stats): boolean => stats.isCharacterDevice() && stats.rdev === 0;

function typeOf(stats: Stats): "file" | "directory" | "symlink" | "other" {
  if (stats.isFile()) return "file";
  if (stats.isDirectory()) return "directory";
  return stats.isSymbolicLink() ? "symlink" : "other";
}

type GetAttribute = (path: Buffer, name: string, value: Buffer, size: number) => number;
let getAttribute: GetAttribute | undefined;
const value = Buffer.alloc(1);

/** Nothing of the lower directory is seen through such a directory. */
function hasOpaqueMark(root: string, path: string): boolean {
  getAttribute ??= native()
    .load(null)
    .func(
      "int64_t lgetxattr(const uint8_t *path, const char *name, void *value, size_t size)",
    ) as GetAttribute;
  const place = placeOf(root, `${path}\0`);
  const size = getAttribute(place, "trusted.overlay.opaque", value, 1);
  return size === 1 && value[0] === 0x79; // "y"
}
