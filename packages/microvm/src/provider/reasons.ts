import { EmberboxError } from "@emberbox/core";
import type { PausedStore } from "../saved/paused.ts";

export const providerClosed = (): EmberboxError =>
  new EmberboxError("sandbox_closed", "this provider was closed");

export const closed = (): EmberboxError =>
  new EmberboxError("sandbox_closed", "the sandbox was closed");

export const killed = (): EmberboxError =>
  new EmberboxError("sandbox_closed", "the sandbox was killed");

export const timeIsOver = (timeoutMs: number): EmberboxError =>
  new EmberboxError("sandbox_closed", `the sandbox reached the end of its ${timeoutMs} ms`);

export const isPaused = (sandboxId: string): EmberboxError =>
  new EmberboxError("sandbox_paused", `the sandbox \`${sandboxId}\` is paused`);

export const rolledBack = (checkpointId: string): EmberboxError =>
  new EmberboxError(
    "rolled_back",
    `the sandbox was taken back to the checkpoint \`${checkpointId}\``,
  );

/** The error for a sandbox that is not running: paused, or not found. */
export async function notRunning(paused: PausedStore, sandboxId: string): Promise<EmberboxError> {
  if (await paused.find(sandboxId)) return isPaused(sandboxId);
  const what = `no sandbox \`${sandboxId}\` is running in this program, and none is paused`;
  return new EmberboxError("sandbox_not_found", what);
}
