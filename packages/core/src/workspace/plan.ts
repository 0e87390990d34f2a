import { EmberboxError } from "../errors.ts";
import type { Change, Tree } from "./compare.ts";
import { type Compared, compareWithHost, editsOf } from "./conflicts.ts";
import type { Directory } from "./directory.ts";
import type { GuestEntry } from "./guest-answer.ts";
import { lookAt, readHostFile } from "./host-folder.ts";
import { MAX_MERGED, mergeTexts } from "./merge.ts";
import { collectUpTo, type Originals, sha256 } from "./originals.ts";
import { comparePaths, parentOf, textOf } from "./paths.ts";
import { stage } from "./stage.ts";
import type { Step } from "./steps.ts";
import type { WorkspaceApplyOptions } from "./types.ts";

/** What is to be written, once it is known what the folder has. */
export interface Decided {
  readonly edits: readonly Compared[];
  readonly skipped: readonly Compared[];
  /** By path, what was merged of the two sides. */
  readonly merged: ReadonlyMap<string, Buffer>;
}

export interface Sides {
  readonly host: string;
  readonly root: Directory;
  readonly originals: Originals;
  /** What host and sandbox last agreed on. */
  readonly synced: Tree;
  readonly read: (path: string) => AsyncIterable<Uint8Array>;
}

/** Looks at what the folder has. @throws `workspace_conflict`, naming all conflicts */
export async function decide(
  changes: readonly Change[],
  onConflict: NonNullable<WorkspaceApplyOptions["onConflict"]>,
  sides: Sides,
): Promise<Decided> {
  const compared: Compared[] = [];
  const directories = new Set(
    changes.flatMap(({ path, before, after }) =>
      before !== undefined && before.type !== "directory" && after?.type === "directory"
        ? [path]
        : [],
    ),
  );
  const makesWay = (path: string): boolean => {
    for (let at = parentOf(path); at !== ""; at = parentOf(at))
      if (directories.has(at)) return true;
    return false;
  };
  const { host, root, originals } = sides;
  for (const edit of changes.flatMap(editsOf))
    compared.push(await compareWithHost(edit, host, root, originals, makesWay));
  const merged = new Map<string, Buffer>();
  const refused: { path: string; why: string }[] = [];
  const skipped = new Set<Change>();
  for (const edit of compared) {
    if (edit.conflict === undefined) continue;
    if (onConflict === "skip") skipped.add(edit.change);
    else if (onConflict === "overwrite" && edit.isBlocked !== true) continue;
    else if (onConflict === "merge" && edit.isBlocked !== true) {
      const merge = await merge3(edit, sides);
      if ("bytes" in merge) merged.set(edit.path, merge.bytes);
      else refused.push({ path: edit.path, why: `${edit.conflict}; ${merge.why}` });
    } else refused.push({ path: edit.path, why: edit.conflict });
  }
  if (refused.length > 0) throw conflict(refused);
  const isSkipped = ({ change }: Compared): boolean => skipped.has(change);
  const edits = compared.filter((edit) => !isSkipped(edit));
  return {
    edits: [...edits, ...missingAbove(edits, sides)],
    skipped: compared.filter(isSkipped),
    merged,
  };
}

/** Directories that the folder has lost, of what is to be there nevertheless: what is new, or takes the place of nothing. */
function missingAbove(compared: readonly Compared[], { root, synced }: Sides): Compared[] {
  const known = new Set(compared.map(({ path }) => path));
  const missing: Compared[] = [];
  for (const { change, path, after, found } of compared) {
    if (after === undefined || found !== undefined) continue;
    for (let at = parentOf(path); at !== "" && !known.has(at); at = parentOf(at)) {
      const directory = synced.get(at);
      if (directory?.type !== "directory" || lookAt(root, at) !== undefined) break;
      known.add(at);
      missing.push({ change, path: at, after: directory, found: undefined, isDone: false });
    }
  }
  return missing;
}

async function merge3(
  { before, after, found, path }: Compared,
  { originals, host, read }: Sides,
): Promise<{ bytes: Buffer } | { why: string }> {
  const areFiles = [before, after, found?.entry].every((each) => each?.type === "file");
  if (!areFiles) return { why: "only files that both sides have can be merged" };
  const base = await originals.bytes(before!, MAX_MERGED);
  if (base === undefined) return { why: "what both sides began with is not kept, or too long" };
  const ours = await readHostFile(host, path, MAX_MERGED);
  if (ours === undefined || after!.size > MAX_MERGED) return { why: "it is too long to be merged" };
  const theirs = await collectUpTo(read(path), after!.size);
  if (theirs === undefined || sha256(theirs) !== after!.digest)
    return { why: "the sandbox changed it meanwhile" };
  return mergeTexts(base, ours, theirs);
}

function conflict(found: readonly { path: string; why: string }[]): EmberboxError {
  const conflicts = found.map(({ path, why }) => ({ path: textOf(path), why }));
  const [{ path, why }] = conflicts as [{ path: string; why: string }];
  const more = conflicts.length === 1 ? "" : ` (and ${conflicts.length - 1} more)`;
  return new EmberboxError(
    "workspace_conflict",
    `${JSON.stringify(path.slice(0, 500))} cannot be applied${more}: ${why}`,
    { details: { conflicts } },
  );
}

/** Stages what is to be put, and says what is to be done. */
export async function plan(
  { edits, merged }: Decided,
  staging: Directory,
  read: (path: string) => AsyncIterable<Uint8Array>,
  onStaged: (() => void) | undefined,
): Promise<Step[]> {
  const first: Step[] = [];
  const last: Step[] = [];
  const directories: Step[] = [];
  let count = 0;
  for (const edit of edits.toSorted((a, b) => comparePaths(a.path, b.path))) {
    const { path, before, after, found, isDone } = edit;
    if (isDone) continue;
    const number = count++;
    const kept = `old-${number}`;
    const there = found?.entry;
    if (after === undefined || after.type === "directory") {
      if (there?.type === "directory" && after === undefined)
        directories.push({ does: "remove-directory", path, mode: there.mode });
      else if (there?.type === "directory")
        last.push({
          ...{ does: "chmod", path, id: found!.id, from: there.mode },
          to: modeOf(after!, before, there),
        });
      else if (found !== undefined) first.push({ does: "remove", path, kept, id: found.id });
      if (after !== undefined && there?.type !== "directory")
        last.push({ does: "make-directory", path, mode: after.mode & 0o777 });
      continue;
    }
    const bytes = merged.get(path);
    const isOnlyMode =
      edit.change.kind === "mode" && there?.type === "file" && edit.conflict === undefined;
    if (isOnlyMode) {
      const to = modeOf(after, before, there);
      last.push({ does: "chmod", path, id: found!.id, from: there.mode, to });
      continue;
    }
    const staged = `new-${number}`;
    const entry = {
      ...after,
      mode: modeOf(after, before, there),
      ...(bytes && { size: bytes.length, digest: sha256(bytes), mtimeMs: Date.now() }),
    };
    const content = bytes === undefined ? read(path) : one(bytes);
    const id = await stage(staging, staged, entry, content);
    onStaged?.();
    // One that gives way to a file is removed before.
    const old = there?.type === "directory" ? undefined : found?.id;
    if (there?.type === "directory")
      directories.push({ does: "remove-directory", path, mode: there.mode });
    last.push({ does: "put", path, staged, id, kept, ...(old !== undefined && { old }) });
  }
  return [...first, ...directories.toReversed(), ...last];
}

/** The folder's own permissions stay unless the sandbox changed them. Special bits are the folder's. */
function modeOf(
  after: GuestEntry,
  before: GuestEntry | undefined,
  there: GuestEntry | undefined,
): number {
  const isOwn = there?.type === after.type && before?.type === after.type;
  if (!isOwn) return after.mode & 0o777;
  if ((before.mode & 0o777) === (after.mode & 0o777)) return there.mode;
  return (there.mode & 0o7000) | (after.mode & 0o777);
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
