import { requireOwnDirectory } from "../host/own-directory.ts";
import { paths } from "../host/paths.ts";
import { openCheckpoints } from "../saved/checkpoints.ts";
import { openPaused } from "../saved/paused.ts";
import { pausedFrom } from "../saved/put-checkpoint.ts";

/**
 * Makes paused sandboxes of a checkpoint, without a machine, and yields their ids.
 * @throws `checkpoint_not_found`, `snapshot_damaged`, `snapshot_incompatible`
 */
export async function* branchPaused(
  sandboxId: string,
  checkpointId: string,
  { count, signal }: { readonly count: number; readonly signal?: AbortSignal | undefined },
): AsyncGenerator<string> {
  const { state } = paths();
  requireOwnDirectory(state);
  const checkpoint = await openCheckpoints(state).find(sandboxId, checkpointId);
  const paused = openPaused(state);
  for (let made = 0; made < count; made++) {
    signal?.throwIfAborted();
    yield await pausedFrom(checkpoint, paused);
  }
}
