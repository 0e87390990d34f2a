import type { WorkspaceMode } from "../workspace-options.ts";

/** What was not brought along, and would have been but for what it is. */
export interface LeftOut {
  readonly path: string;
  /**
   * `secret`: its name, or what it holds, looks like one. `ignored`: a pattern names it. `special`: a socket, pipe or
   * device. `unreadable`: this user may not read it.
   */
  readonly reason: "secret" | "ignored" | "special" | "unreadable";
  /** More about it: the pattern, or the kind. */
  readonly detail: string;
}

/** What is at a path, on one of the two sides. */
export interface WorkspaceState {
  readonly type: "file" | "directory" | "symlink" | "other";
  /** Permission bits, such as `0o644`. */
  readonly mode: number;
  /** Bytes of a file, otherwise 0. */
  readonly size: number;
  /** SHA-256 of a file's bytes, as hex, where known. */
  readonly digest?: string | undefined;
  /** What a link says. */
  readonly target?: string | undefined;
}

/**
 * One difference between the folder and what is in the sandbox. Paths are relative and separated by `/`; bytes of names
 * that are not UTF-8 are the characters U+DC80 to U+DCFF.
 */
export interface WorkspaceChange {
  readonly path: string;
  /** `mode`: only its permissions. `type`: a file has become a directory or link, or such. */
  readonly kind: "added" | "changed" | "removed" | "renamed" | "mode" | "type";
  /** Where a renamed file was. */
  readonly from?: string | undefined;
  /** What the folder had, unless it was added. */
  readonly before?: WorkspaceState | undefined;
  /** What the sandbox has, unless it was removed. */
  readonly after?: WorkspaceState | undefined;
  /** Why `apply` refuses it, if it does. */
  readonly refused?: string | undefined;
}

/** What differs. */
export interface WorkspaceChanges {
  /** In the order of their paths. */
  readonly changes: readonly WorkspaceChange[];
  /** Names exactly these changes: `apply({ digest })` does these, or none. */
  readonly digest: string;
}

/** Lines that differ, with those around them, as in a unified diff. */
export interface DiffHunk {
  readonly beforeStart: number;
  readonly beforeLines: number;
  readonly afterStart: number;
  readonly afterLines: number;
  /** Each begins with ` `, `-`, `+`, or `\` where the last line has no end. */
  readonly lines: readonly string[];
}

/** A change, with its text. */
export interface FileDiff extends WorkspaceChange {
  /** Why there are no lines to show: it is binary, or too long. */
  readonly notShown?: "binary" | "too-long" | "unknown" | undefined;
  readonly hunks: readonly DiffHunk[];
}

/** What differs, as text. */
export interface WorkspaceDiff {
  /** Names exactly these changes, see `WorkspaceChanges`. */
  readonly digest: string;
  readonly files: readonly FileDiff[];
  /** In the form of `git diff`. Empty for `format: "json"`. */
  readonly text: string;
}

/** Options of calls that look at a workspace. */
export interface WorkspaceCallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** What to show. */
export interface WorkspaceDiffOptions extends WorkspaceCallOptions {
  /** Only this path, and what is in it. */
  readonly path?: string | undefined;
  /** @default "unified" */
  readonly format?: "unified" | "json" | undefined;
}

/** What to write to the folder. */
export interface WorkspaceApplyOptions extends WorkspaceCallOptions {
  /** Only these paths, and what is in them. @default everything */
  readonly paths?: readonly string[] | undefined;
  /**
   * Of the changes that were shown: all of them, or those of `paths`. If what would be written is something else by now,
   * nothing is. @default what there is now
   */
  readonly digest?: string | undefined;
  /**
   * What to do about files that have changed in the folder, too. `merge` merges text by lines. @default "refuse"
   */
  readonly onConflict?: "refuse" | "merge" | "overwrite" | "skip" | undefined;
  /** The most that files may have together, in bytes. @default 1 GiB */
  readonly maxBytes?: number | undefined;
  /** Also writes what the folder's git would run or be led by, such as hooks and `.git/config`. @default false */
  readonly allowGitInternals?: boolean | undefined;
  /** Called after each file that was fetched. If it throws, nothing is affected. */
  readonly onProgress?: ((done: number, of: number) => void) | undefined;
}

/** What was written to the folder. */
export interface WorkspaceApplied {
  readonly applied: readonly WorkspaceChange[];
  /** Those of them that were merged with the folder's. */
  readonly merged: readonly string[];
  /** Conflicts that `skip` left alone. */
  readonly skipped: readonly string[];
}

/** What the folder's changes did in the sandbox. */
export interface WorkspaceRefreshed {
  /** Written or removed in the sandbox. */
  readonly updated: readonly string[];
  /** Changed on both sides: the sandbox's are as they were. */
  readonly conflicts: readonly string[];
  /** What the folder has and stays out. */
  readonly leftOut: readonly LeftOut[];
}

/** A folder of this machine that a sandbox works on. */
export interface Workspace {
  /** The folder, absolute and without symbolic links. */
  readonly host: string;
  /** Its path in the sandbox. */
  readonly guest: string;
  readonly mode: WorkspaceMode;
  /** What the folder had when it was brought along and stays out. Empty for a sandbox that was connected to. */
  readonly leftOut: readonly LeftOut[];
  /** What the sandbox has changed. @throws `unsupported` unless its mode is `review` */
  changes(options?: WorkspaceCallOptions): Promise<WorkspaceChanges>;
  /** What the sandbox has changed, line by line. @throws `unsupported` unless its mode is `review` */
  diff(options?: WorkspaceDiffOptions): Promise<WorkspaceDiff>;
  /**
   * Writes changes to the folder: all that are asked for, or none.
   * @throws `workspace_changed`, `workspace_conflict`, `workspace_refused`, `file_too_large`, `unsupported`
   */
  apply(options?: WorkspaceApplyOptions): Promise<WorkspaceApplied>;
  /** Undoes changes in the sandbox: those of these paths and what is in them, or all. */
  discard(paths?: readonly string[], options?: WorkspaceCallOptions): Promise<WorkspaceChanges>;
  /** Brings what the folder has changed since into the sandbox, which keeps its own changes. */
  refresh(options?: WorkspaceCallOptions): Promise<WorkspaceRefreshed>;
}
