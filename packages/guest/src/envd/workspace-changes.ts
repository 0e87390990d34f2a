import { createHash } from "node:crypto";
import { once } from "node:events";
import { createReadStream, lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import type { Stats } from "node:fs";
import type { ServerResponse } from "node:http";
import { setImmediate } from "node:timers/promises";
import { native } from "../native.ts";
import type { MountedWorkspace } from "../workspaces.ts";

/** One line of the answer. */
type Change =
  /** It is no more, with whatever was in it. */
  | { readonly path: string; readonly removed: true }
  | {
      readonly path: string;
      /** `other` is what is no file, directory or link: a pipe, a socket, a device. */
      readonly type: "file" | "directory" | "symlink" | "other";
      /** Permission bits. */
      readonly mode: number;
      readonly size: number;
      readonly mtimeMs: number;
      readonly target?: string;
      /** SHA-256 of a file, as hex. */
      readonly digest?: string;
    };

/** Read at once; larger files are read in pieces, while other work goes on. */
const SMALL = 1024 * 1024;
/** Others have their turn after so many entries. */
const TURN = 200;
/** What is sent at once. */
const PIECE = 64 * 1024;

/**
 * Answers with a line of JSON for each entry that may differ from the folder as it came: overlayfs has those in its
 * upper directory. Files are listed that were opened to be written and are as they were; a directory is listed if it is
 * new, or its mode is. What is in a directory follows it, and what was replaced by something of another kind is not
 * said to be removed. If the answer breaks off, not all was told.
 */
export async function sendChanges(
  workspace: MountedWorkspace,
  withDigests: boolean,
  response: ServerResponse,
): Promise<void> {
  response.writeHead(200, { "content-type": "application/x-ndjson" });
  let text = "";
  let entries = 0;
  for (const change of workspace.isWritable ? changesIn(workspace) : []) {
    const digest = withDigests ? await digestOf(workspace, change) : undefined;
    text += `${JSON.stringify(digest === undefined ? change : { ...change, digest })}\n`;
    if (++entries % TURN === 0) await setImmediate();
    if (response.destroyed) return;
    if (text.length < PIECE) continue;
    if (!response.write(text)) await once(response, "drain");
    text = "";
  }
  response.end(text);
}

function* changesIn({ original, changed }: MountedWorkspace): Generator<Change> {
  function* look(directory: string, isOpaque: boolean): Generator<Change> {
    const names = namesIn(changed, directory);
    for (const name of names) {
      const path = directory === "" ? name : `${directory}/${name}`;
      const stats = lookAt(changed, path);
      // It was removed meanwhile.
      if (stats === undefined) continue;
      const was = lookAt(original, path);
      if (isWhiteout(stats)) {
        if (was) yield { path, removed: true };
      } else if (!stats.isDirectory()) {
        yield entryOf(path, stats);
      } else {
        const wasDirectory = was?.isDirectory() === true;
        if (!wasDirectory || permissions(was) !== permissions(stats)) yield entryOf(path, stats);
        yield* look(path, wasDirectory && (isOpaque || isMarkedOpaque(path)));
      }
    }
    if (!isOpaque) return;
    const there = new Set(names);
    for (const name of namesIn(original, directory))
      if (!there.has(name)) yield { path: `${directory}/${name}`, removed: true };
  }
  const isMarkedOpaque = (path: string): boolean => hasOpaqueMark(placeOf(changed, path));
  const entryOf = (path: string, stats: Stats): Change => ({
    path,
    type: typeOf(stats),
    mode: permissions(stats),
    size: stats.isFile() ? stats.size : 0,
    mtimeMs: stats.mtimeMs,
    ...(stats.isSymbolicLink() && { target: readlinkSync(placeOf(changed, path), "latin1") }),
  });
  yield* look("", false);
}

/** As bytes: names need not be UTF-8. */
const placeOf = (root: string, path: string): Buffer =>
  Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path, "latin1")]);

function lookAt(root: string, path: string): Stats | undefined {
  try {
    return lstatSync(placeOf(root, path), { throwIfNoEntry: false });
  } catch {
    return undefined; // A directory above it is something else.
  }
}

function namesIn(root: string, path: string): string[] {
  try {
    return readdirSync(placeOf(root, path), "latin1").toSorted();
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
const NUL = Buffer.of(0);
const value = Buffer.alloc(1);

/** Nothing of the lower directory is seen through such a directory. */
function hasOpaqueMark(path: Buffer): boolean {
  getAttribute ??= native()
    .load(null)
    .func(
      "int64_t lgetxattr(const uint8_t *path, const char *name, void *value, size_t size)",
    ) as GetAttribute;
  const size = getAttribute(Buffer.concat([path, NUL]), "trusted.overlay.opaque", value, 1);
  return size === 1 && value.toString() === "y";
}

async function digestOf(
  { changed }: MountedWorkspace,
  change: Change,
): Promise<string | undefined> {
  if ("removed" in change || change.type !== "file") return undefined;
  const place = placeOf(changed, change.path);
  const hash = createHash("sha256");
  try {
    if (change.size <= SMALL) hash.update(readFileSync(place));
    else for await (const piece of createReadStream(place)) hash.update(piece as Buffer);
  } catch {
    return undefined; // It was removed meanwhile.
  }
  return hash.digest("hex");
}
