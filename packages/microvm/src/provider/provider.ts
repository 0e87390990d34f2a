import { EmberboxError, Sandbox } from "@emberbox/core";
import {
  checkedProvider,
  type CreateOptions,
  type SandboxConnection,
  type SandboxProvider,
} from "@emberbox/core/provider";
import type { WorkspaceInfo, WorkspaceMount } from "@emberbox/core/workspace";
import { exists } from "../host/exists.ts";
import { reachable } from "../network/reachable.ts";
import { resolveCreateOptions } from "../restore/create-options.ts";
import { openCheckpoints } from "../saved/checkpoints.ts";
import { openPaused } from "../saved/paused.ts";
import { isReadyBuild, isReadyName, readyInfos, readyTemplate } from "../ready/index.ts";
import { openSnapshots, type Snapshot } from "../saved/snapshots.ts";
import { volumeFiles } from "../volumes/files.ts";
import { openVolumeStore } from "../volumes/store.ts";
import { openFolders } from "../workspaces/folders.ts";
import { createCheckpoints } from "./checkpoints.ts";
import { type Engine, openEngine, pathsOf } from "./engine.ts";
import { KnownSandboxes, RESUMED_MS } from "./known-sandboxes.ts";
import {
  engineTemplates,
  isEngineTemplate,
  isMcpTemplate,
  machineTemplate,
  putMcpGateway,
} from "./mcp-template.ts";
import { createNewSandboxes } from "./new-sandboxes.ts";
import { type MicrovmOptions, resolveMicrovmOptions } from "./options.ts";
import { obtainReady } from "./ready-templates.ts";
import { notRunning, providerClosed } from "./reasons.ts";
import { createOwnTemplates, taken } from "./own-templates.ts";
import { ProgramSocket } from "./program-socket.ts";
import { detailsOf, shapeOf } from "./sandbox-info.ts";
import { templateSizes } from "./template-sizes.ts";

/** Sandboxes as microVMs on this machine. They belong to this program and end with it, except those that are paused. */
export function microvm(options: MicrovmOptions = {}): SandboxProvider {
  const settings = resolveMicrovmOptions(options);
  const paths = pathsOf(settings);
  const paused = openPaused(paths.state);
  const snapshots = openSnapshots(paths.state);
  const checkpoints = openCheckpoints(paths.state);
  const volumes = openVolumeStore(paths.state);
  const folders = openFolders(paths.home);
  let engine: Engine | undefined;
  let closed = false;
  const open = (): Engine => {
    if (closed) throw providerClosed();
    return (engine ??= openEngine(settings, volumes, folders));
  };
  const newSandboxes = createNewSandboxes(open, settings);
  const socket = new ProgramSocket(paths.run, () => sandboxes);
  const sandboxes = new KnownSandboxes({
    ...{ open, paused, checkpoints, onProgress: settings.onProgress },
    onRuns: () => socket.open(),
  });
  const own = createOwnTemplates({
    ...{ state: paths.state, open, sandboxes },
    provider: () => provider,
    ready: (name, asked) => ready(name, asked),
  });

  const ready = (
    name: string,
    asked: Pick<CreateOptions, "networkCeiling" | "signal">,
  ): Promise<Snapshot | undefined> => obtainReady(name, asked, { own, open, settings });
  const create = async (given: CreateOptions): Promise<SandboxConnection> => {
    const { workspaces: mounts, ...asked } = given;
    const { template } = asked;
    const { state } = open();
    const isSaved = template !== undefined && !isEngineTemplate(template);
    const built = isSaved ? await own.find(template) : undefined;
    const snapshot = isSaved && !built ? await snapshots.find(template) : undefined;
    const ownTemplate = built ?? (isSaved && !snapshot ? await ready(template, asked) : undefined);
    const kept = (ownTemplate ?? snapshot)?.manifest.options;
    const kind = snapshot ? "snapshot" : "template";
    const options = resolveCreateOptions(asked, kept && shapeOf(kept), kind);
    options.signal?.throwIfAborted();
    refuseMore(kept?.workspaces, mounts);
    const { onProgress } = open();
    const resolved = {
      ...options,
      envs: { ...kept?.envs, ...options.envs },
      volumeMounts: withKept(kept?.volumeMounts, options.volumeMounts),
      ...(mounts?.length
        ? await folders.bring(mounts, { onProgress, signal: options.signal })
        : { workspaces: kept?.workspaces }),
    };
    try {
      const shaped = ownTemplate && (await own.shaped(ownTemplate, resolved));
      const sandbox = await (snapshot
        ? state.create(snapshot, resolved)
        : newSandboxes.obtain(resolved, shaped));
      return (await sandboxes.add(sandbox, resolved)).connection();
    } catch (error) {
      // Another build may have taken its tag meanwhile, so that this one is gone.
      const wasReplaced = ownTemplate && !(await exists(ownTemplate.directory));
      if (!wasReplaced || resolved.signal?.aborted) throw error;
      return create(given);
    }
  };
  const withGateway = async (
    connection: SandboxConnection,
    signal: AbortSignal | undefined,
  ): Promise<SandboxConnection> => {
    try {
      await putMcpGateway(new Sandbox(connection, provider), signal);
      return connection;
    } catch (error) {
      await sandboxes.kill(connection.sandboxId);
      throw error;
    }
  };

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
      egressProxy: true,
      networkCeiling: true,
      tlsEndpoints: true,
      mcp: true,
      pausedTtl: true,
      volumes: true,
      workspaces: ["review", "readonly", "live"] as const,
      checkpoints: true,
    }),
    templates: () => [...engineTemplates, ...readyInfos],
    templateSizes: () => templateSizes(paths.images, own),
    async prepare(shape = {}) {
      const template = machineTemplate(shape.template ?? "default");
      const ownTemplate = (await own.find(template)) ?? (await ready(template, shape));
      const kept = ownTemplate?.manifest.options;
      const wanted = { ...shape, template };
      const resolved = resolveCreateOptions(wanted, kept && shapeOf(kept), "template");
      if (ownTemplate) await own.shaped(ownTemplate, resolved);
      else await open().template(resolved, resolved.signal);
    },
    async create({ mcp, ...asked }) {
      const connection = await create({ ...asked, template: machineTemplate(asked.template) });
      const hasGateway = mcp !== undefined || isMcpTemplate(asked.template);
      return hasGateway ? withGateway(connection, asked.signal) : connection;
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
      if (name !== undefined && isEngineTemplate(name))
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
    ...createCheckpoints({ open, sandboxes, paused, store: checkpoints }),
    updateNetwork: (sandboxId, network) =>
      sandboxes.withRunning(sandboxId, async (known, { machine: { gateway, guest } }) => {
        known.allow(gateway.update(network));
        await guest.tellNetwork(gateway.guest);
      }),
    getNetworkLog: (sandboxId) =>
      sandboxes.withRunning(sandboxId, async (_known, { machine }) => machine.gateway.log()),
    addressesOf: (host, ceiling) => reachable(host, ceiling, () => open().names),
    async buildTemplate(request, options) {
      const { name } = options;
      if (isReadyName(name) || isReadyBuild(name)) throw taken(name);
      return own.build(request, options);
    },
    listTemplates: () => own.list(),
    deleteTemplate: async (name) => own.delete((await readyTemplate(name))?.builtAs ?? name),
    tagTemplate: (name, tags) => own.tag(name, tags),
    untagTemplate: (name, tags) => own.tags.take(name, tags),
    listTemplateTags: (name) => own.tags.of(name),
    createVolume: (name, { sizeMB } = {}) => volumes.create(name, sizeMB),
    listVolumes: () => volumes.list(),
    getVolume: (volumeId) => volumes.get(volumeId),
    deleteVolume: (volumeId) => volumes.delete(volumeId),
    volumeFiles: (volumeId) => volumeFiles(volumes, volumeId),
    workspaceBaseline: (digest) => folders.images.baseline(digest),
    setWorkspaceSynced: (sandboxId, guest, synced) =>
      sandboxes.withRunning(sandboxId, async (known) =>
        known.keepSynced(guest, await folders.images.keep(synced)),
      ),
    async [Symbol.asyncDispose]() {
      closed = true;
      await Promise.all([newSandboxes.close(), sandboxes.close(), socket.close()]);
    },
  });
  return provider;
}

/** A machine has the device for folders once. @throws `invalid_argument` where a snapshot has some and others are asked for */
function refuseMore(
  kept: readonly WorkspaceInfo[] | undefined,
  asked: readonly WorkspaceMount[] | undefined,
): void {
  if (!kept?.length || !asked?.length) return;
  throw new EmberboxError(
    "invalid_argument",
    `the snapshot has the folder ${kept[0]!.host} at ${kept[0]!.guest} already, so it takes no other`,
  );
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
