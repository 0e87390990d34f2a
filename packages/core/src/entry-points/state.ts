// The public API of `@emberbox/core/state`: pauses, snapshots and forks.
export type { Lifecycle, SnapshotInfo } from "../provider.ts";
export type { ForkOptions, ListSnapshotsOptions, PauseOptions, SnapshotOptions } from "../state.ts";
