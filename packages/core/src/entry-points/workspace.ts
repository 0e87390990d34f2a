// The public API of `@emberbox/core/workspace`: folders of this machine that sandboxes work on.
import "../supported-node.ts";

export type {
  Baseline,
  BaselineEntry,
  WorkspaceInfo,
  WorkspaceMode,
  WorkspaceMount,
  WorkspaceOptions,
} from "../workspace-options.ts";
export type {
  DiffHunk,
  FileDiff,
  LeftOut,
  Workspace,
  WorkspaceApplied,
  WorkspaceApplyOptions,
  WorkspaceCallOptions,
  WorkspaceChange,
  WorkspaceChanges,
  WorkspaceDiff,
  WorkspaceDiffOptions,
  WorkspaceRefreshed,
  WorkspaceState,
} from "../workspace/types.ts";
export { findIgnored } from "../workspace/live.ts";
export type { GuestChanges, GuestEntry } from "../workspace/guest-answer.ts";
