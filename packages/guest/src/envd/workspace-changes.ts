import { createHash } from "node:crypto";
import { once } from "node:events";
import { createReadStream, lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import type { Stats } from "node:fs";
import type { ServerResponse } from "node:http";
import { setImmediate } from "node:timers/promises";
import { native } from "../native.ts";
import type { MountedWorkspace } from "../workspaces.ts";

/** What is at a path; `other` is what is no file, directory or link: a pipe, a socket, a device. */
interface Entry {
  readonly path: string;
  readonly type: "file" | "directory" | "symlink" | "other";
  /** Permission bits. */
  readonly mode: number;
  readonly size: number;
  readonly mtimeMs: number;
  readonly target?: string;
}

/** Read at once; larger files are read in pieces, while other work goes on. */
const SMALL = 1024 * 1024;
/** Larger ones are told of without a digest: one with a hole would take days. As core has it. */
const MAX_READ = 16 * 1024 ** 3;
/** Others have their turn after so many entries. */
const TURN = 200;
/** What is sent at once. */
const PIECE = 64 * 1024;

/** More than a host takes. */
const MAX_ENTRIES = 200_000;

/**
 * Answers with what may differ from the folder as it came: overlayfs has that in its upper directory. First
 * `removed` goes, with everything in it; then come `entries`, parents before what is in them. Files are among them that
 * were opened to be written and are as they were; a directory is if it is new, or its permissions are. With `isTooMuch`,
 * not all was told.
 */
export async function sendChanges(
  workspace: MountedWorkspace,
  withDigests: boolean,
  response: ServerResponse,
): Promise<void> {
  response.writeHead(200, { "content-type": "application/json" });
  const removed: string[] = [];
  let text = '{"entries":[';
  let count = 0;
  for (const entry of workspace.isWritable ? entriesIn(workspace, removed) : []) {
    if (count + removed.length >= MAX_ENTRIES) break;
    const digest = withDigests ? await digestOf(workspace, entry) : undefined;
    const told = digest === undefined ? entry : { ...entry, digest };
    text += `${count === 0 ? "" : ","}${JSON.stringify(told)}`;
    if (++count % TURN === 0) await setImmediate();
    if (response.destroyed) return;
    if (text.length < PIECE) continue;
    if (!response.write(text)) await once(response, "drain");
    text = "";
  }
  const isTooMuch = count + removed.length >= MAX_ENTRIES;
  const rest = isTooMuch ? { removed: [], isTooMuch } : { removed };
  response.end(`${text}],${JSON.stringify(rest).slice(1)}`);
}

/** What was written to; `removed` is told what is gone. */
function* entriesIn({ original, changed }: MountedWorkspace, removed: string[]): Generator<Entry> {
  /** `isSeen`: what the folder had in this directory is seen through the upper one. */
  function* look(directory: string, isSeen: boolean): Generator<Entry> {
    for (const name of namesIn(changed, directory)) {
      const path = directory === "" ? name : `${directory}/${name}`;
      const stats = lookAt(changed, path);
      // It was removed meanwhile.
      if (stats === undefined) continue;
      const was = isSeen ? lookAt(original, path) : undefined;
      if (isWhiteout(stats)) {
        if (was) removed.push(path);
        continue;
      }
      const isMerged =
        stats.isDirectory() &&
        was?.isDirectory() === true &&
        !hasOpaqueMark(placeOf(changed, path));
      if (was?.isDirectory() && !isMerged) removed.push(path);
      if (!isMerged || permissions(was!) !== permissions(stats)) yield entryOf(path, stats);
      if (stats.isDirectory()) yield* look(path, isMerged);
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
    const place = path === "" ? Buffer.from(root) : placeOf(root, path);
    return readdirSync(place, "latin1").toSorted();
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
  { type, path, size }: Entry,
): Promise<string | undefined> {
  if (type !== "file" || size > MAX_READ) return undefined;
  const place = placeOf(changed, path);
  const hash = createHash("sha256");
  try {
    if (size <= SMALL) hash.update(readFileSync(place));
    else for await (const piece of createReadStream(place)) hash.update(piece as Buffer);
  } catch {
    return undefined; // It was removed meanwhile.
  }
  return hash.digest("hex");
}
