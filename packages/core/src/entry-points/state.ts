// The public API of `@emberbox/core/state`: pauses, snapshots, forks and checkpoints.
export type { Lifecycle, SnapshotInfo } from "../provider.ts";
export type { ForkOptions, ListSnapshotsOptions, PauseOptions, SnapshotOptions } from "../state.ts";
export type {
  BranchOptions,
  CheckpointInfo,
  CheckpointKeep,
  CheckpointOptions,
  RollbackResult,
} from "../checkpoint-options.ts";
