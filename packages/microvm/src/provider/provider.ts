import { EmberboxError } from "@emberbox/core";
import { checkedProvider, type SandboxProvider } from "@emberbox/core/provider";
import { isTemplateName, templateInfos } from "../image/index.ts";
import { resolveCreateOptions } from "../restore/create-options.ts";
import { openPaused } from "../saved/paused.ts";
import { openSnapshots } from "../saved/snapshots.ts";
import { type Engine, openEngine, placesOf } from "./engine.ts";
import { closedError, Entries, RESUMED_MS } from "./entries.ts";
import { detailsOf, shapeOf } from "./entry.ts";
import { createNewSandboxes } from "./new-sandboxes.ts";
import { type MicrovmOptions, resolveMicrovmOptions } from "./options.ts";

/** Sandboxes as microVMs on this machine. They belong to this program and end with it, except those that are paused. */
export function microvm(options: MicrovmOptions = {}): SandboxProvider {
  const settings = resolveMicrovmOptions(options);
  const places = placesOf(settings);
  const paused = openPaused(places.state);
  const snapshots = openSnapshots(places.state);
  let engine: Engine | undefined;
  let closed = false;
  const open = (): Engine => {
    if (closed) throw closedError();
    return (engine ??= openEngine(settings));
  };
  const newSandboxes = createNewSandboxes(open, settings.pool?.size ?? 0);
  const entries = new Entries({ open, paused, onProgress: settings.onProgress });

  return checkedProvider({
    name: "microvm",
    capabilities: Object.freeze({
      setTimeout: true,
      pause: true,
      snapshots: true,
      fork: true,
      network: true,
      updateNetwork: true,
      networkCeiling: true,
    }),
    templates: () => templateInfos,
    async prepare(shape = {}) {
      const resolved = resolveCreateOptions(shape);
      await open().template(resolved, resolved.signal);
    },
    async create(createOptions) {
      const { template } = createOptions;
      const { state } = open();
      const isSnapshot = template !== undefined && !isTemplateName(template);
      const snapshot = isSnapshot ? await snapshots.find(template) : undefined;
      const resolved = resolveCreateOptions(
        createOptions,
        snapshot && shapeOf(snapshot.manifest.options),
      );
      resolved.signal?.throwIfAborted();
      const sandbox = await (snapshot
        ? state.create(snapshot, resolved)
        : newSandboxes.obtain(resolved));
      return (await entries.add(sandbox, resolved)).connection();
    },
    async connect(sandboxId, { timeoutMs, onResume, networkCeiling, signal } = {}) {
      await entries.settled(sandboxId);
      const entry = entries.running(sandboxId);
      if (!entry) {
        const reboot = onResume === "reboot";
        const how = { timeoutMs: timeoutMs ?? RESUMED_MS, reboot, networkCeiling, signal };
        return (await entries.resume(sandboxId, how)).connection();
      }
      if (timeoutMs !== undefined && Date.now() + timeoutMs > entry.endAt.getTime())
        entry.endAfter(timeoutMs);
      return entry.connection();
    },
    list: () => entries.list(),
    getInfo: (sandboxId) => entries.info(sandboxId),
    kill: (sandboxId) => entries.kill(sandboxId),
    async setTimeout(sandboxId, timeoutMs) {
      const entry = entries.running(sandboxId);
      if (!entry) throw await entries.notRunning(sandboxId);
      entry.endAfter(timeoutMs);
    },
    async pause(sandboxId, { keepMemory = true, signal } = {}) {
      try {
        await entries.pause(sandboxId, { keepMemory, signal });
        return true;
      } catch (error) {
        if (EmberboxError.isInstance(error) && error.code === "sandbox_paused") return false;
        throw error;
      }
    },
    async createSnapshot(sandboxId, { name, signal } = {}) {
      if (name !== undefined && isTemplateName(name))
        throw new EmberboxError("invalid_argument", `\`${name}\` is the name of a template`);
      return entries.withRunning(sandboxId, (entry, sandbox) =>
        open().state.snapshot(sandbox, detailsOf(entry), { name, signal }),
      );
    },
    async listSnapshots({ sandboxId, name } = {}) {
      const all = await snapshots.list();
      return all.filter(
        (each) =>
          (sandboxId === undefined || each.sandboxId === sandboxId) &&
          (name === undefined || each.snapshotId === name || each.names.includes(name)),
      );
    },
    deleteSnapshot: (snapshotId) => snapshots.delete(snapshotId),
    fork: (sandboxId, { count = 1, timeoutMs = RESUMED_MS, signal } = {}) =>
      entries.withRunning(sandboxId, async (entry, sandbox) => {
        const copies = await open().state.fork(sandbox, detailsOf(entry), { count, signal });
        const { access } = entry;
        const forkOptions = { ...entry.options, access, timeoutMs };
        return Promise.all(
          copies.map(async (copy) =>
            EmberboxError.isInstance(copy)
              ? copy
              : (await entries.add(copy, forkOptions)).connection(),
          ),
        );
      }),
    updateNetwork: (sandboxId, network) =>
      entries.withRunning(sandboxId, async (entry, { gateway, guest }) => {
        entry.access = gateway.update(network);
        await guest.tellNetwork(gateway.guest);
      }),
    getNetworkLog: (sandboxId) =>
      entries.withRunning(sandboxId, async (_entry, { gateway }) => gateway.log()),
    async [Symbol.asyncDispose]() {
      closed = true;
      await Promise.all([newSandboxes.close(), entries.close()]);
    },
  });
}
