// The public API of `@emberbox/core/state`: pauses, snapshots, forks and checkpoints.
export type { Lifecycle, RollbackResult, SnapshotInfo } from "../provider.ts";
export type { ForkOptions, ListSnapshotsOptions, PauseOptions, SnapshotOptions } from "../state.ts";
export type {
  BranchOptions,
  CheckpointChanges,
  CheckpointInfo,
  CheckpointKeep,
  CheckpointOptions,
  FileDifference,
  VariableDifference,
} from "../checkpoint-options.ts";
