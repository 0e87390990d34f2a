import type { CheckpointChanges } from "../checkpoint-options.ts";
import { Commands } from "../commands/commands.ts";
import { EmberboxError } from "../errors.ts";
import { Files } from "../files/files.ts";
import type { SandboxConnection, SandboxProvider, SignalOptions } from "../provider.ts";
import { parseSignal } from "../state.ts";
import { createRpc } from "../wire/rpc.ts";
import { compare, suspects } from "./changes.ts";
import { branchWith, deleteCheckpoint, makeCheckpoint } from "./checkpoints.ts";
import { digestsOf, listFiles } from "./file-listing.ts";
import { readVariables } from "./variables.ts";

/** Longer than a comparison takes; they are killed at its end. */
const LIFETIME_MS = 900_000;

/** Compares two points of a sandbox's history, in short-lived branches of them that have no network. */
export async function changesBetween(
  provider: SandboxProvider,
  sandboxId: string,
  points: readonly [string, string],
  options?: SignalOptions,
): Promise<CheckpointChanges> {
  const { signal } = parseSignal(options);
  await using made = new AsyncDisposableStack();
  const sides = await Promise.all(points.map((point) => open(point)));
  const [before, after] = sides as [Side, Side];
  const [old, now] = await Promise.all([look(before), look(after)]);
  const doubtful = suspects(old.files, now.files);
  const [oldDigests, nowDigests] = await Promise.all([
    digestsOf(before, doubtful, { signal }),
    digestsOf(after, doubtful, { signal }),
  ]);
  return compare(old, now, (path) => {
    const digest = oldDigests.get(path);
    return digest !== undefined && digest === nowDigests.get(path);
  });

  async function open(point: string): Promise<Side> {
    const checkpointId = point === "now" ? await present() : point;
    const how = { count: 1, timeoutMs: LIFETIME_MS, network: false, signal } as const;
    const [branch] = await branchWith(provider, sandboxId, checkpointId, how);
    if (branch === undefined || EmberboxError.isInstance(branch))
      throw branch ?? new EmberboxError("service_failed", "The provider made no branch");
    made.defer(async () => void (await provider.kill(branch.sandboxId)));
    const rpc = createRpc(branch);
    return { branch, files: new Files(branch, rpc), commands: new Commands(branch, rpc) };
  }

  /** A checkpoint for the comparison alone, unless the machine is the same as at one. */
  async function present(): Promise<string> {
    const taken = await makeCheckpoint(provider, sandboxId, { label: "now", signal });
    if (!taken.unchanged)
      made.defer(async () => {
        await deleteCheckpoint(provider, sandboxId, taken.checkpointId);
      });
    return taken.checkpointId;
  }

  async function look(side: Side) {
    // Variables first: listing the files changes none.
    const variables = await readVariables(side.branch, { signal });
    return { variables, files: await listFiles(side, { signal }) };
  }
}

interface Side {
  readonly branch: SandboxConnection;
  readonly files: Files;
  readonly commands: Commands;
}
