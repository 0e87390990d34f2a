// The public API of `@emberbox/core/state`: pauses, snapshots, forks and checkpoints.
export type { Lifecycle, SnapshotInfo } from "../provider.ts";
export type { ForkOptions, ListSnapshotsOptions, PauseOptions, SnapshotOptions } from "../state.ts";
export type {
  BranchOptions,
  CheckpointChanges,
  CheckpointInfo,
  CheckpointKeep,
  CheckpointOptions,
  FileDifference,
  RollbackResult,
  VariableDifference,
} from "../checkpoint-options.ts";
