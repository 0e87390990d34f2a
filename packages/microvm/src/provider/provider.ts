import { EmberboxError } from "@emberbox/core";
import { checkedProvider, type CreateOptions, type SandboxProvider } from "@emberbox/core/provider";
import { isTemplateName, templateInfos } from "../image/index.ts";
import { resolveCreateOptions } from "../restore/create-options.ts";
import { openPaused } from "../saved/paused.ts";
import { openSnapshots } from "../saved/snapshots.ts";
import { volumeFiles } from "../volumes/files.ts";
import { openVolumeStore } from "../volumes/store.ts";
import { type Engine, openEngine, pathsOf } from "./engine.ts";
import { KnownSandboxes, RESUMED_MS } from "./known-sandboxes.ts";
import { createNewSandboxes } from "./new-sandboxes.ts";
import { type MicrovmOptions, resolveMicrovmOptions } from "./options.ts";
import { notRunning, providerClosed } from "./reasons.ts";
import { createOwnTemplates } from "./own-templates.ts";
import { detailsOf, shapeOf } from "./sandbox-info.ts";

/** Sandboxes as microVMs on this machine. They belong to this program and end with it, except those that are paused. */
export function microvm(options: MicrovmOptions = {}): SandboxProvider {
  const settings = resolveMicrovmOptions(options);
  const paths = pathsOf(settings);
  const paused = openPaused(paths.state);
  const snapshots = openSnapshots(paths.state);
  const volumes = openVolumeStore(paths.state);
  let engine: Engine | undefined;
  let closed = false;
  const open = (): Engine => {
    if (closed) throw providerClosed();
    return (engine ??= openEngine(settings, volumes));
  };
  const newSandboxes = createNewSandboxes(open, settings);
  const sandboxes = new KnownSandboxes({ open, paused, onProgress: settings.onProgress });
  const own = createOwnTemplates({
    ...{ state: paths.state, open, sandboxes },
    provider: () => provider,
  });

  const provider = checkedProvider({
    name: "microvm",
    capabilities: Object.freeze({
      setTimeout: true,
      pause: true,
      snapshots: true,
      fork: true,
      network: true,
      updateNetwork: true,
      templates: true,
      requestRules: true,
      networkCeiling: true,
      volumes: true,
    }),
    templates: () => templateInfos,
    async prepare(shape = {}) {
      const resolved = resolveCreateOptions(shape);
      await open().template(resolved, resolved.signal);
    },
    async create(createOptions) {
      const { template } = createOptions;
      const { state } = open();
      const isSaved = template !== undefined && !isTemplateName(template);
      const ownTemplate = isSaved ? await own.find(template) : undefined;
      const snapshot = isSaved && !ownTemplate ? await snapshots.find(template) : undefined;
      const kept = (ownTemplate ?? snapshot)?.manifest.options;
      const given = resolveCreateOptions(createOptions, kept && shapeOf(kept));
      const volumeMounts = withKept(kept?.volumeMounts, given.volumeMounts);
      const resolved = { ...given, envs: { ...kept?.envs, ...given.envs }, volumeMounts };
      resolved.signal?.throwIfAborted();
      const sandbox = await (snapshot
        ? state.create(snapshot, resolved)
        : newSandboxes.obtain(resolved, ownTemplate));
      return (await sandboxes.add(sandbox, resolved)).connection();
    },
    async connect(sandboxId, { timeoutMs, onResume, networkCeiling, signal } = {}) {
      await sandboxes.settled(sandboxId);
      const known = sandboxes.running(sandboxId);
      if (!known) {
        const reboot = onResume === "reboot";
        const how = { timeoutMs: timeoutMs ?? RESUMED_MS, reboot, networkCeiling, signal };
        return (await sandboxes.resume(sandboxId, how)).connection();
      }
      if (timeoutMs !== undefined && Date.now() + timeoutMs > known.running!.endAt.getTime())
        known.endAfter(timeoutMs);
      return known.connection();
    },
    list: () => sandboxes.list(),
    getInfo: (sandboxId) => sandboxes.info(sandboxId),
    kill: (sandboxId) => sandboxes.kill(sandboxId),
    async setTimeout(sandboxId, timeoutMs) {
      const known = sandboxes.running(sandboxId);
      if (!known) throw await notRunning(paused, sandboxId);
      known.endAfter(timeoutMs);
    },
    async pause(sandboxId, { keepMemory = true, signal } = {}) {
      try {
        await sandboxes.pause(sandboxId, { keepMemory, signal });
        return true;
      } catch (error) {
        if (EmberboxError.isInstance(error) && error.code === "sandbox_paused") return false;
        throw error;
      }
    },
    async createSnapshot(sandboxId, { name, signal } = {}) {
      if (name !== undefined && isTemplateName(name))
        throw new EmberboxError("invalid_argument", `\`${name}\` is the name of a template`);
      return sandboxes.withRunning(sandboxId, (known, { machine, access }) =>
        open().state.snapshot(machine, detailsOf(known, access), { name, signal }),
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
      sandboxes.withRunning(sandboxId, async (known, { machine, access }) => {
        const details = detailsOf(known, access);
        const copies = await open().state.fork(machine, details, { count, signal });
        const forkOptions = { ...known.options, access, timeoutMs };
        return Promise.all(
          copies.map(async (copy) =>
            EmberboxError.isInstance(copy)
              ? copy
              : (await sandboxes.add(copy, forkOptions)).connection(),
          ),
        );
      }),
    updateNetwork: (sandboxId, network) =>
      sandboxes.withRunning(sandboxId, async (known, { machine: { gateway, guest } }) => {
        known.allow(gateway.update(network));
        await guest.tellNetwork(gateway.guest);
      }),
    getNetworkLog: (sandboxId) =>
      sandboxes.withRunning(sandboxId, async (_known, { machine }) => machine.gateway.log()),
    buildTemplate: (request, options) => own.build(request, options),
    listTemplates: () => own.list(),
    deleteTemplate: (name) => own.delete(name),
    createVolume: (name, { sizeMB } = {}) => volumes.create(name, sizeMB),
    listVolumes: () => volumes.list(),
    getVolume: (volumeId) => volumes.get(volumeId),
    deleteVolume: (volumeId) => volumes.delete(volumeId),
    volumeFiles: (volumeId) => volumeFiles(volumes, volumeId),
    async [Symbol.asyncDispose]() {
      closed = true;
      await Promise.all([newSandboxes.close(), sandboxes.close()]);
    },
  });
  return provider;
}

/** A snapshot's machine has its volumes mounted already. @throws `invalid_argument` where another is asked for there */
function withKept(
  kept: CreateOptions["volumeMounts"] = {},
  asked: CreateOptions["volumeMounts"] = {},
): CreateOptions["volumeMounts"] {
  for (const [path, volumeId] of Object.entries(asked))
    if (Object.hasOwn(kept, path) && kept[path] !== volumeId)
      throw new EmberboxError(
        "invalid_argument",
        `the snapshot has the volume \`${kept[path]}\` at ${path}, not \`${volumeId}\``,
      );
  const mounts = { ...kept, ...asked };
  return Object.keys(mounts).length > 0 ? mounts : undefined;
}
