import { EmberboxError } from "../errors.ts";
import type { RollbackResult } from "../provider.ts";
import type { Sandbox } from "../sandbox.ts";

/** Puts a machine at a checkpoint unless it is there. Nothing is lost: where it was becomes a checkpoint. */
export async function putAt(
  sandbox: Sandbox,
  checkpointId: string,
  {
    by = "emberbox",
    signal,
  }: { readonly by?: string; readonly signal?: AbortSignal | undefined } = {},
): Promise<RollbackResult | undefined> {
  const now = await sandbox.checkpoint({ label: "before going back", by, signal });
  if (now.checkpointId === checkpointId) return undefined;
  try {
    return await sandbox.rollback(checkpointId, { signal });
  } catch (error) {
    if (!EmberboxError.isInstance(error) || sandbox.gone !== undefined) throw error;
    if (error.code === "checkpoint_not_found") throw noCheckpoint(checkpointId, error);
    if (error.kind !== "lost") throw error;
    // What is lost is the checkpoint: the sandbox goes on as it was.
    const message = `The checkpoint ${checkpointId} cannot be used any more: ${error.message}`;
    throw new EmberboxError("checkpoint_not_found", message, { cause: error });
  }
}

/** Says why a conversation's machine cannot be where the conversation is. */
export function noCheckpoint(checkpointId: string, cause?: unknown): EmberboxError {
  return new EmberboxError(
    "checkpoint_not_found",
    `The checkpoint ${checkpointId}, at which the machine was then, is not there any more`,
    {
      cause,
      hint: 'Older ones are deleted: `checkpoints: { each: "call", keep }` says how many stay.',
    },
  );
}

/** The same for a sandbox of which the beginning is not known. */
export function noBeginning(): EmberboxError {
  return new EmberboxError(
    "checkpoint_not_found",
    "The conversation went back to its beginning, at which the given sandbox has no checkpoint",
    { hint: "Give it a sandbox of its own, or go on from a later point." },
  );
}
