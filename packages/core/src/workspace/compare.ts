import { createHash } from "node:crypto";
import { EmberboxError } from "../errors.ts";
import type { BaselineEntry } from "../workspace-options.ts";
import { type GuestChanges, type GuestEntry, MAX_READ } from "./guest-answer.ts";
import { comparePaths, parentOf, textOf } from "./paths.ts";
import type { WorkspaceChange, WorkspaceState } from "./types.ts";

/** What is in a folder, by paths of bytes, in no order. */
export type Tree = ReadonlyMap<string, GuestEntry>;

/** A change, with paths of bytes. */
export interface Change {
  readonly path: string;
  readonly kind: WorkspaceChange["kind"];
  readonly from?: string | undefined;
  readonly before?: GuestEntry | undefined;
  readonly after?: GuestEntry | undefined;
}

export const treeOf = (entries: readonly BaselineEntry[]): Tree =>
  new Map(entries.map((entry) => [entry.path, entry]));

/**
 * What is in the sandbox: what was brought along, with what it says that it changed.
 * @throws `protocol_error` when that makes no sense
 */
export function applied(original: Tree, { removed, entries }: GuestChanges): Tree {
  const gone = new Set(removed);
  /** Directories that something else has taken the place of, and with them what was in them. */
  const replaced = new Set<string>();
  for (const { path, type } of entries)
    if (type !== "directory" && original.get(path)?.type === "directory") replaced.add(path);
  const isGone = (path: string): boolean => {
    if (gone.has(path)) return true;
    for (let at = parentOf(path); at !== ""; at = parentOf(at))
      if (gone.has(at) || replaced.has(at)) return true;
    return false;
  };
  const tree = new Map(original);
  if (gone.size > 0 || replaced.size > 0)
    for (const path of original.keys()) if (isGone(path)) tree.delete(path);
  for (const entry of entries) tree.set(entry.path, entry);
  for (const { path, type, size, target, digest } of entries) {
    const parent = parentOf(path);
    const isOdd =
      (parent !== "" && tree.get(parent)?.type !== "directory") ||
      (type === "symlink") !== (target !== undefined) ||
      (type === "file" && size <= MAX_READ) !== (digest !== undefined);
    if (isOdd)
      throw new EmberboxError(
        "protocol_error",
        `What the sandbox says about ${JSON.stringify(textOf(path).slice(0, 200))} makes no sense`,
        { hint: "It may have changed while it was looked at: try again." },
      );
  }
  return tree;
}

/** Whether content and kind are the same; where a digest is not known, `digestOf` finds it. */
async function isSame(
  a: GuestEntry,
  b: GuestEntry,
  digestOf: (entry: GuestEntry) => Promise<string | undefined>,
): Promise<boolean> {
  if (a === b) return true;
  if (a.type !== b.type || a.size !== b.size || a.target !== b.target) return false;
  if (a.type !== "file") return a.type !== "other";
  const [one, other] = [a.digest ?? (await digestOf(a)), b.digest ?? (await digestOf(b))];
  return one !== undefined && one === other;
}

const PERMISSIONS = 0o777;
/** Links have no permissions of their own, and special bits are never applied. */
export const isSameMode = (a: GuestEntry, b: GuestEntry): boolean =>
  a.type === "symlink" || (a.mode & PERMISSIONS) === (b.mode & PERMISSIONS);

/** What differs, in the order of paths. `originalDigest` finds the digest of a file in `before` that has none. */
export async function compare(
  before: Tree,
  after: Tree,
  originalDigest: (path: string) => Promise<string | undefined>,
): Promise<Change[]> {
  const added: Change[] = [];
  const removed: Change[] = [];
  const others: Change[] = [];
  for (const [path, now] of after) {
    const was = before.get(path);
    if (was === now) continue;
    if (was === undefined) added.push({ path, kind: "added", after: now });
    else if (was.type !== now.type) others.push({ path, kind: "type", before: was, after: now });
    else if (!(await isSame(was, now, ({ path: each }) => originalDigest(each))))
      others.push({ path, kind: "changed", before: was, after: now });
    else if (!isSameMode(was, now)) others.push({ path, kind: "mode", before: was, after: now });
  }
  for (const [path, was] of before)
    if (!after.has(path)) removed.push({ path, kind: "removed", before: was });
  const changes = [...others, ...(await withRenames(added, removed, originalDigest))];
  return changes.toSorted((a, b) => comparePaths(a.path, b.path));
}

/** A file that went away, and one with the same bytes that came, are one that was renamed. */
async function withRenames(
  added: readonly Change[],
  removed: readonly Change[],
  originalDigest: (path: string) => Promise<string | undefined>,
): Promise<Change[]> {
  const sizes = new Set(added.map(({ after }) => (after!.type === "file" ? after!.size : 0)));
  const byDigest = new Map<string, Change[]>();
  for (const change of removed) {
    const { type, size, digest } = change.before!;
    if (type !== "file" || size === 0 || !sizes.has(size)) continue;
    const known = digest ?? (await originalDigest(change.path));
    if (known !== undefined) byDigest.set(known, [...(byDigest.get(known) ?? []), change]);
  }
  const moved = new Set<Change>();
  const now = added.map((change): Change => {
    const digest = change.after!.type === "file" ? change.after!.digest : undefined;
    const was = digest === undefined ? undefined : byDigest.get(digest)?.shift();
    if (was === undefined) return change;
    moved.add(was);
    return { ...change, kind: "renamed", from: was.path, before: was.before };
  });
  return [...now, ...removed.filter((change) => !moved.has(change))];
}

/** Names exactly these changes. */
export function digestOf(changes: readonly Change[]): string {
  const hash = createHash("sha256");
  for (const { path, kind, from, before, after } of changes)
    hash.update(`${JSON.stringify([path, kind, from, facts(before), facts(after)])}\n`);
  return hash.digest("hex");
}

const facts = (entry: GuestEntry | undefined): unknown[] | undefined =>
  entry && [entry.type, entry.mode & PERMISSIONS, entry.size, entry.digest, entry.target];

/** A change as it is shown. */
export function shown(change: Change, refused: string | undefined): WorkspaceChange {
  const { path, kind, from, before, after } = change;
  return {
    path: textOf(path),
    kind,
    ...(from !== undefined && { from: textOf(from) }),
    ...(before && { before: stateOf(before) }),
    ...(after && { after: stateOf(after) }),
    ...(refused !== undefined && { refused }),
  };
}

function stateOf({ type, mode, size, digest, target }: GuestEntry): WorkspaceState {
  return {
    type,
    mode: mode & 0o7777,
    size: type === "file" ? size : 0,
    ...(digest !== undefined && { digest }),
    ...(target !== undefined && { target: textOf(target) }),
  };
}
