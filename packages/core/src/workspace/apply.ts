import { EmberboxError } from "../errors.ts";
import { type Change, digestOf, shown, type Tree } from "./compare.ts";
import { Directory } from "./directory.ts";
import type { GuestEntry } from "./guest-answer.ts";
import { lookAt } from "./host-folder.ts";
import type { Inside, Put } from "./inside.ts";
import { Apply } from "./journal.ts";
import { type Originals, sha256 } from "./originals.ts";
import { textOf } from "./paths.ts";
import { type Decided, decide, plan } from "./plan.ts";
import { type Place, refusal } from "./refusals.ts";
import { select } from "./select.ts";
import { ChangedMeanwhile } from "./steps.ts";
import type { WorkspaceApplied, WorkspaceApplyOptions } from "./types.ts";

const MAX_BYTES = 1024 ** 3;

export interface ApplyWork {
  readonly host: string;
  readonly inside: Inside;
  readonly originals: Originals;
  /** What host and sandbox last agreed on. */
  readonly synced: Tree;
  readonly changes: readonly Change[];
}

/** What was written, and what the two sides agree on by now. */
export interface ApplyResult {
  readonly result: WorkspaceApplied;
  readonly synced: Tree;
}

/** Writes changes to the folder: all that were chosen, or none. Nobody else may work on it meanwhile. */
export async function applyChanges(
  { host, inside, originals, synced, changes }: ApplyWork,
  options: WorkspaceApplyOptions,
): Promise<ApplyResult> {
  const { paths, digest, onConflict = "refuse", maxBytes = MAX_BYTES, signal } = options;
  const chosen = select(changes, paths);
  if (digest !== undefined && digest !== digestOf(chosen) && digest !== digestOf(changes))
    throw new EmberboxError(
      "workspace_changed",
      "The sandbox has changed its workspace since this was shown; nothing was written",
    );
  refuse(chosen, { host, tree: after(synced, chosen) }, options.allowGitInternals ?? false);
  const bytes = chosen.reduce((sum, { after }) => sum + (after?.size ?? 0), 0);
  if (bytes > maxBytes)
    throw new EmberboxError(
      "file_too_large",
      `The files to apply have ${bytes} bytes together; at most ${maxBytes} may be`,
      { hint: "Raise `maxBytes`, or choose some of them by `paths`." },
    );
  const read = (path: string): AsyncIterable<Uint8Array> => inside.read(path, signal);
  let decided: Decided;
  {
    using root = Directory.root(host);
    decided = await decide(chosen, onConflict, { host, root, originals, synced, read });
  }
  await write(host, decided, read, options);
  const now = agreed(host, synced, decided);
  await inside.write([], mergedPuts(decided, now), signal);
  return { result: resultOf(chosen, decided), synced: now };
}

/** @throws `workspace_refused`, naming all that are refused */
function refuse(chosen: readonly Change[], place: Place, allowGitInternals: boolean): void {
  const refused = chosen.flatMap((change) => {
    const why = refusal(change, place, allowGitInternals);
    return why === undefined ? [] : [{ path: textOf(change.path), why }];
  });
  const [first] = refused;
  if (first === undefined) return;
  const more = refused.length === 1 ? "" : ` (and ${refused.length - 1} more)`;
  throw new EmberboxError(
    "workspace_refused",
    `${JSON.stringify(first.path.slice(0, 500))} may not be applied${more}: ${first.why}`,
    { details: { refused } },
  );
}

/** What there would be with some changes. */
function after(tree: Tree, changes: readonly Change[]): Map<string, GuestEntry> {
  const result = new Map(tree);
  for (const { path, from } of changes) {
    result.delete(path);
    if (from !== undefined) result.delete(from);
  }
  for (const change of changes)
    if (change.after !== undefined) result.set(change.path, change.after);
  return result;
}

async function write(
  host: string,
  decided: Decided,
  read: (path: string) => AsyncIterable<Uint8Array>,
  { onProgress, signal }: WorkspaceApplyOptions,
): Promise<void> {
  const files = decided.edits.filter(({ isDone, after: now }) => !isDone && now?.type === "file");
  let done = 0;
  const progress = (): void => {
    try {
      onProgress?.(++done, files.length);
    } catch {
      // It is only told.
    }
  };
  if (decided.edits.every(({ isDone }) => isDone)) return;
  try {
    using apply = await Apply.begin(host);
    const steps = await plan(decided, apply.staging, read, progress);
    signal?.throwIfAborted();
    apply.commit(steps);
  } catch (error) {
    throw explained(error, host);
  }
}

function explained(error: unknown, host: string): unknown {
  if (error instanceof ChangedMeanwhile) {
    const path = textOf(error.path);
    const conflicts = [{ path, why: "it was changed in the folder meanwhile" }];
    const message = `${JSON.stringify(path.slice(0, 500))} was changed in the folder meanwhile; nothing was written`;
    return new EmberboxError("workspace_conflict", message, { details: { conflicts } });
  }
  const { code, syscall, message } = error as NodeJS.ErrnoException;
  if (EmberboxError.isInstance(error) || syscall === undefined) return error;
  const isFull = code === "ENOSPC" || code === "EDQUOT";
  const hint = {
    hint:
      code === "EXDEV"
        ? "A directory of the folder is on another file system: make that a workspace of its own."
        : "Make the folder one that this user may write to.",
  };
  return new EmberboxError(
    isFull ? "host_disk_full" : "invalid_path",
    `${host} could not be written, and is as it was: ${message}`,
    { cause: error, ...(!isFull && hint) },
  );
}

/** The state that both sides have now, with the times that the folder's files got. */
function agreed(host: string, synced: Tree, { edits, merged }: Decided): Tree {
  const result = new Map(synced);
  using root = Directory.root(host);
  for (const { path, after: now } of edits) if (now === undefined) result.delete(path);
  for (const { path, after: now } of edits) {
    if (now === undefined) continue;
    const found = lookAt(root, path);
    if (typeof found !== "object") continue;
    const bytes = merged.get(path);
    const digest = bytes === undefined ? now.digest : sha256(bytes);
    result.set(path, {
      ...found.entry,
      // Where nobody changed the permissions in the sandbox, the folder's may be others.
      mode: now.mode,
      ...(now.type === "file" && digest !== undefined && { digest }),
    });
  }
  return result;
}

/** What was merged is what the sandbox has, too. */
function mergedPuts({ edits, merged }: Decided, now: Tree): Put[] {
  return edits.flatMap(({ path, after: entry }): Put[] => {
    const bytes = merged.get(path);
    const mtimeMs = now.get(path)?.mtimeMs ?? Date.now();
    if (bytes === undefined || entry === undefined) return [];
    const content = async function* (): AsyncGenerator<Uint8Array> {
      yield bytes;
    };
    return [{ path, type: "file", mode: entry.mode, mtimeMs, size: bytes.length, content }];
  });
}

function resultOf(chosen: readonly Change[], { skipped, merged }: Decided): WorkspaceApplied {
  const left = new Set(skipped.map(({ change }) => change));
  return {
    applied: chosen.filter((change) => !left.has(change)).map((change) => shown(change, undefined)),
    merged: [...merged.keys()].map(textOf),
    skipped: [...left].map(({ path }) => textOf(path)),
  };
}
