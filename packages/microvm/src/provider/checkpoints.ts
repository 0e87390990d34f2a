import { EmberboxError } from "@emberbox/core";
import type { NetworkLog } from "@emberbox/core/network";
import type { SandboxConnection, SandboxProvider } from "@emberbox/core/provider";
import { Access } from "../network/access.ts";
import type { LocalSandbox } from "../restore/sandbox.ts";
import { ancestorsIn, checkpointInfo, type CheckpointStore } from "../saved/checkpoints.ts";
import type { PausedStore } from "../saved/paused.ts";
import { putCheckpoint } from "../saved/put-checkpoint.ts";
import type { Snapshot } from "../saved/snapshots.ts";
import type { Engine } from "./engine.ts";
import type { KnownSandbox } from "./known-sandbox.ts";
import { type KnownSandboxes, RESUMED_MS } from "./known-sandboxes.ts";
import { notRunning, rolledBack } from "./reasons.ts";
import { detailsOf } from "./sandbox-info.ts";
import { since } from "./network-since.ts";
import { Stillness } from "./stillness.ts";

export interface CheckpointsOptions {
  readonly open: () => Engine;
  readonly sandboxes: KnownSandboxes;
  readonly paused: PausedStore;
  readonly store: CheckpointStore;
}

type Checkpoints = Required<
  Pick<
    SandboxProvider,
    "createCheckpoint" | "listCheckpoints" | "deleteCheckpoint" | "rollback" | "branch"
  >
>;

/** What this program has seen of a sandbox since its checkpoints. */
interface Seen {
  /** Since the checkpoint at which the machine last was. */
  still?: Stillness | undefined;
  /** What there was on the network by then, by checkpoint. */
  readonly network: Map<string, { gateway: LocalSandbox["gateway"]; log: NetworkLog }>;
}

/** A checkpoint and those before it. */
const lineOf = ({ snapshotId, manifest }: Snapshot): string[] => [
  snapshotId,
  ...ancestorsIn(manifest),
];

/** The methods of a provider that are about checkpoints. */
export function createCheckpoints(options: CheckpointsOptions): Checkpoints {
  const { open, sandboxes, paused, store } = options;
  const all = new WeakMap<KnownSandbox, Seen>();
  const seenOf = (known: KnownSandbox): Seen => {
    const seen = all.get(known) ?? { network: new Map() };
    all.set(known, seen);
    return seen;
  };

  return {
    createCheckpoint: (sandboxId, { label, by, keep, signal } = {}) =>
      sandboxes.withRunning(sandboxId, async (known, { machine, access }) => {
        const seen = seenOf(known);
        const there = await store.list(sandboxId);
        const current = there.find((each) => each.current);
        if (current && !current.damaged && (await seen.still?.holds(machine, current.checkpointId)))
          return { ...current, unchanged: true };
        const checkpointId = store.newId();
        const ancestors = await store.at(sandboxId);
        const { gateway } = machine;
        const still = await Stillness.of(machine, checkpointId);
        const target = store.directoryOf(sandboxId, checkpointId);
        const note = { label, by, ancestors };
        const details = detailsOf(known, access);
        const manifest = await open().state.checkpoint(machine, details, { target, note, signal });
        seen.network.set(checkpointId, { gateway, log: gateway.log() });
        await store.moveTo(sandboxId, [checkpointId, ...ancestors]);
        seen.still = still;
        if (keep) await store.prune(sandboxId, checkpointId, keep);
        const info = checkpointInfo(checkpointId, manifest);
        return { ...info, ...(current && { parentId: current.checkpointId }), current: true };
      }),
    listCheckpoints: (sandboxId) => store.list(sandboxId),
    deleteCheckpoint: (sandboxId, checkpointId) => store.delete(sandboxId, checkpointId),
    async rollback(sandboxId, checkpointId, { signal } = {}) {
      await sandboxes.settled(sandboxId);
      const checkpoint = await store.find(sandboxId, checkpointId);
      const line = lineOf(checkpoint);
      const moved = async (): Promise<
        Omit<Awaited<ReturnType<Checkpoints["rollback"]>>, "network">
      > => {
        const before = await store.at(sandboxId);
        const past = new Set(before.filter((id) => !line.includes(id)));
        await store.moveTo(sandboxId, line);
        const history = await store.list(sandboxId);
        const undone = history.filter((each) => past.has(each.checkpointId));
        return { checkpoint: history.find((each) => each.checkpointId === checkpointId)!, undone };
      };
      if (!sandboxes.running(sandboxId)) {
        const put = await paused.change(
          sandboxId,
          async (directory, manifest) => {
            await putCheckpoint(directory, manifest, checkpoint);
            return moved();
          },
          signal,
        );
        if (!put) throw await notRunning(paused, sandboxId);
        return put;
      }
      return sandboxes.withRunning(sandboxId, async (known, { machine, access }) => {
        const next = await open().state.rollback(machine, checkpoint, { access, signal });
        await known.replace(machine, next, rolledBack(checkpointId));
        const seen = seenOf(known);
        const then = seen.network.get(checkpointId);
        const { gateway } = next;
        const network = then?.gateway === gateway ? since(then.log, gateway.log()) : undefined;
        seen.still = undefined;
        return { ...(await moved()), ...(network && { network }) };
      });
    },
    async branch(
      sandboxId,
      checkpointId,
      { count = 1, timeoutMs = RESUMED_MS, network, signal } = {},
    ) {
      await sandboxes.settled(sandboxId);
      const checkpoint = await store.find(sandboxId, checkpointId);
      const known = sandboxes.known(sandboxId);
      const kept = checkpoint.manifest.options;
      const same = known?.state.is === "gone" ? undefined : known?.state.access;
      const asked = same ?? Access.kept(kept.access);
      const access = network === false ? asked.with(false) : asked;
      const branchOptions = { ...kept, access, timeoutMs, signal };
      const made = await open().state.branch(checkpoint, branchOptions, count);
      return Promise.all(
        made.map(async (each): Promise<SandboxConnection | EmberboxError> =>
          EmberboxError.isInstance(each)
            ? each
            : (await sandboxes.add(each, { ...branchOptions, signal: undefined })).connection(),
        ),
      );
    },
  };
}
