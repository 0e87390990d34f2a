import {
  type BranchOptions,
  type CheckpointInfo,
  type CheckpointOptions,
  parseBranch,
  parseCheckpoint,
  parseCheckpointId,
  type ProviderBranchOptions,
} from "../checkpoint-options.ts";
import type { EmberboxError } from "../errors.ts";
import type {
  RollbackResult,
  SandboxConnection,
  SandboxProvider,
  SignalOptions,
} from "../provider.ts";
import { parseSignal, unsupported } from "../state.ts";

export async function makeCheckpoint(
  provider: SandboxProvider,
  sandboxId: string,
  options?: CheckpointOptions,
): Promise<CheckpointInfo> {
  const parsed = parseCheckpoint(options);
  if (!provider.createCheckpoint) throw noCheckpoints(provider);
  parsed.signal?.throwIfAborted();
  return provider.createCheckpoint(sandboxId, parsed);
}

export async function listCheckpoints(
  provider: SandboxProvider,
  sandboxId: string,
  options?: SignalOptions,
): Promise<CheckpointInfo[]> {
  const parsed = parseSignal(options);
  if (!provider.listCheckpoints) throw noCheckpoints(provider);
  parsed.signal?.throwIfAborted();
  return provider.listCheckpoints(sandboxId, parsed);
}

export async function deleteCheckpoint(
  provider: SandboxProvider,
  sandboxId: string,
  checkpointId: string,
  options?: SignalOptions,
): Promise<boolean> {
  const parsed = parseSignal(options);
  parseCheckpointId(checkpointId);
  if (!provider.deleteCheckpoint) throw noCheckpoints(provider);
  parsed.signal?.throwIfAborted();
  return provider.deleteCheckpoint(sandboxId, checkpointId, parsed);
}

export async function rollBack(
  provider: SandboxProvider,
  sandboxId: string,
  checkpointId: string,
  options?: SignalOptions,
): Promise<RollbackResult> {
  const parsed = parseSignal(options);
  parseCheckpointId(checkpointId);
  if (!provider.rollback) throw noCheckpoints(provider);
  parsed.signal?.throwIfAborted();
  return provider.rollback(sandboxId, checkpointId, parsed);
}

export async function branchFrom(
  provider: SandboxProvider,
  sandboxId: string,
  checkpointId: string,
  options?: BranchOptions,
): Promise<(SandboxConnection | EmberboxError)[]> {
  return branchWith(provider, sandboxId, checkpointId, parseBranch(options));
}

/** With options that are a provider's only, and checked. */
export async function branchWith(
  provider: SandboxProvider,
  sandboxId: string,
  checkpointId: string,
  options: ProviderBranchOptions,
): Promise<(SandboxConnection | EmberboxError)[]> {
  parseCheckpointId(checkpointId);
  if (!provider.branch) throw noCheckpoints(provider);
  options.signal?.throwIfAborted();
  return provider.branch(sandboxId, checkpointId, options);
}

const noCheckpoints = (provider: SandboxProvider): EmberboxError =>
  unsupported(provider, "make checkpoints");
