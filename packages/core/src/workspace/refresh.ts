import { type Change, isSameMode, type Tree } from "./compare.ts";
import type { GuestEntry } from "./guest-answer.ts";
import { Directory } from "./directory.ts";
import { hashHostFile, lookAt, openFile } from "./host-folder.ts";
import type { Put } from "./inside.ts";
import { comparePaths, isIn, parentOf, textOf } from "./paths.ts";
import type { BaselineEntry } from "../workspace-options.ts";

/** What of the folder is to be brought into the sandbox. */
export interface RefreshPlan {
  readonly removed: readonly string[];
  readonly puts: readonly Put[];
  readonly conflicts: readonly string[];
  /** What both sides agree on once that is done. */
  readonly synced: Tree;
}

/** Compares the folder as it is now with what both sides last agreed on, and with what the sandbox changed since. */
export async function planRefresh(
  host: string,
  entries: readonly BaselineEntry[],
  synced: Tree,
  changes: readonly Change[],
): Promise<RefreshPlan> {
  const inside = new Map<string, GuestEntry | undefined>();
  for (const { path, from, after } of changes) {
    inside.set(path, after);
    if (from !== undefined) inside.set(from, undefined);
  }
  const result = new Map(synced);
  const removed: string[] = [];
  const puts: Put[] = [];
  const conflicts: string[] = [];
  const isOutOfReach = (path: string): boolean => {
    for (let at = parentOf(path); at !== ""; at = parentOf(at))
      if (inside.has(at) && inside.get(at)?.type !== "directory") return true;
    return false;
  };
  const isWorkedIn = (directory: string): boolean =>
    [...inside].some(([path, now]) => now !== undefined && isIn(path, directory));

  const there = new Map(entries.map((entry) => [entry.path, entry]));
  for (const entry of entries) {
    const { path } = entry;
    const was = synced.get(path);
    const now = await digested(host, entry, was);
    const isChanged = was === undefined || !isSameState(was, now);
    if (!isChanged) {
      result.set(path, { ...now, mode: was.mode });
      continue;
    }
    const isAgreed = inside.has(path) && isSameState(inside.get(path), now);
    const isConflict = !isAgreed && (inside.has(path) || isOutOfReach(path));
    const isInTheWay = was?.type === "directory" && now.type !== "directory" && isWorkedIn(path);
    if (isConflict || (!isAgreed && isInTheWay)) conflicts.push(path);
    else {
      result.set(path, now);
      if (isAgreed) continue;
      if (was !== undefined && was.type !== now.type) removed.push(path);
      puts.push(putOf(host, now));
    }
  }
  using root = Directory.root(host);
  for (const [path, was] of synced) {
    // What is there and not found is something that stays out by now.
    if (there.has(path) || lookAt(root, path) !== undefined) continue;
    const isGoneInside = inside.has(path) && inside.get(path) === undefined;
    const isKept = inside.get(path) !== undefined || (was.type === "directory" && isWorkedIn(path));
    if (isKept) conflicts.push(path);
    else {
      result.delete(path);
      if (!isGoneInside) removed.push(path);
    }
  }
  return {
    removed,
    puts: puts.toSorted((a, b) => comparePaths(a.path, b.path)),
    conflicts: conflicts.toSorted(comparePaths).map(textOf),
    synced: result,
  };
}

/** With the digest that it had, if nobody has written to it since. */
async function digested(
  host: string,
  entry: BaselineEntry,
  was: (GuestEntry & Pick<BaselineEntry, "ctimeMs">) | undefined,
): Promise<GuestEntry> {
  if (entry.type !== "file") return entry;
  const isUntouched =
    was?.type === "file" &&
    was.size === entry.size &&
    was.mtimeMs === entry.mtimeMs &&
    (was.ctimeMs === undefined || was.ctimeMs === entry.ctimeMs);
  const digest = isUntouched ? was.digest : await hashHostFile(host, entry.path);
  // A file that nobody ever read, and that has not changed.
  if (digest === undefined) return entry;
  return { ...entry, digest };
}

function isSameState(one: GuestEntry | undefined, other: GuestEntry): boolean {
  if (one === undefined || one.type !== other.type || !isSameMode(one, other)) return false;
  if (one.type === "symlink") return one.target === other.target;
  return one.type !== "file" || (one.size === other.size && one.digest === other.digest);
}

export function putOf(host: string, { path, type, mode, mtimeMs, target, size }: GuestEntry): Put {
  const content = async function* (): AsyncGenerator<Uint8Array> {
    await using file = await openFile(host, path);
    yield* file.createReadStream({ autoClose: false }) as AsyncIterable<Buffer>;
  };
  return {
    path,
    type: type as Put["type"],
    mode,
    mtimeMs,
    size,
    ...(target !== undefined && { target }),
    ...(type === "file" && { content }),
  };
}
