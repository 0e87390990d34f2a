import {
  type ConnectOptions,
  EmberboxError,
  type SandboxConnection,
  type SandboxProvider,
} from "@emberbox/core";
import { type Engine, openEngine, placesOf } from "./engine.ts";
import { Entry, pausedInfo } from "./entry.ts";
import { isTemplateName } from "./image/index.ts";
import {
  type MicrovmOptions,
  type ResolvedCreateOptions,
  resolveCreateOptions,
  resolveMicrovmOptions,
} from "./options.ts";
import { createPool, type Pool } from "./pool.ts";
import type { LocalSandbox } from "./sandbox.ts";
import type { Facts } from "./state/engine.ts";
import { openPaused } from "./state/paused.ts";
import { openSnapshots } from "./state/snapshots.ts";

/** How long a sandbox lives that was resumed and not told, `ms`. */
const RESUMED_MS = 300_000;
/** When a sandbox could not be paused at the end of its time, it is tried again after, `ms`. */
const AGAIN_MS = 30_000;

/** One that is being resumed, for all who ask. */
interface Resuming {
  readonly entry: Promise<Entry>;
  readonly stop: AbortController;
}

/** Sandboxes as microVMs on this machine. They belong to this program and end with it, except those that are paused. */
export function microvm(options: MicrovmOptions = {}): SandboxProvider {
  const settings = resolveMicrovmOptions(options);
  /** Those that run, and those that this program knows and that are paused. */
  const entries = new Map<string, Entry>();
  const resuming = new Map<string, Resuming>();
  const places = placesOf(settings);
  const paused = openPaused(places.state);
  const snapshots = openSnapshots(places.state);
  let engine: Engine | undefined;
  let pool: Pool | undefined;
  let closed = false;

  const open = (): Engine => {
    if (closed) throw new EmberboxError("sandbox_closed", "this provider was closed");
    return (engine ??= openEngine(settings));
  };
  const running = (sandboxId: string): Entry | undefined => {
    const entry = entries.get(sandboxId);
    return entry?.sandbox ? entry : undefined;
  };
  /** Does work with a sandbox that runs. @throws `sandbox_not_found`, `sandbox_paused` */
  const withRunning = async <T>(
    sandboxId: string,
    work: (entry: Entry, sandbox: LocalSandbox) => Promise<T>,
  ): Promise<T> => {
    const entry = running(sandboxId);
    if (!entry) throw await notRunning(sandboxId);
    return entry.exclusively(async () => {
      if (!entry.sandbox) throw await notRunning(sandboxId);
      return work(entry, entry.sandbox);
    });
  };
  const notRunning = async (sandboxId: string): Promise<EmberboxError> =>
    (await paused.find(sandboxId))
      ? new EmberboxError("sandbox_paused", `the sandbox \`${sandboxId}\` is paused`)
      : new EmberboxError(
          "sandbox_not_found",
          `no sandbox \`${sandboxId}\` is running in this program, and none is paused`,
        );

  const pauseEntry = (...of: Parameters<typeof saveAndStop>): Promise<void> => {
    const [entry] = of;
    const pausing = saveAndStop(...of).finally(() => (entry.pausing = undefined));
    entry.pausing = pausing;
    return pausing;
  };
  const saveAndStop = async (
    entry: Entry,
    sandbox: LocalSandbox,
    keepMemory: boolean,
    signal?: AbortSignal,
  ): Promise<void> => {
    const { state } = open();
    await state.pause(sandbox, factsOf(entry), { keepMemory, signal });
    const reason = new EmberboxError(
      "sandbox_paused",
      `the sandbox \`${entry.sandboxId}\` is paused`,
    );
    entry.stop(reason);
    await sandbox.close(reason);
    if (entry.killed) await paused.delete(entry.sandboxId);
  };
  const resume = (
    sandboxId: string,
    timeoutMs: number,
    connect: ConnectOptions = {},
  ): Promise<Entry> => {
    const stop = new AbortController();
    const signals = [stop.signal, connect.signal].filter((signal) => signal !== undefined);
    const work = async (): Promise<Entry> => {
      const known = entries.get(sandboxId);
      const resumed = await open().state.resume(sandboxId, {
        reboot: connect.onResume === "reboot",
        access: known?.access,
        signal: AbortSignal.any(signals),
      });
      if (!resumed) throw await notRunning(sandboxId);
      const { sandbox, manifest } = resumed;
      if (closed) return rejectClosed(sandbox);
      const entry =
        known ?? new Entry(owner, sandbox, manifest.options, new Date(manifest.startedAt));
      if (known) known.run(sandbox);
      return keep(entry, timeoutMs);
    };
    const going = resuming.get(sandboxId) ?? {
      entry: work().finally(() => resuming.delete(sandboxId)),
      stop,
    };
    resuming.set(sandboxId, going);
    return going.entry;
  };
  const stopResuming = async (sandboxId: string, reason: EmberboxError): Promise<void> => {
    const going = resuming.get(sandboxId);
    going?.stop.abort(reason);
    await going?.entry.catch(() => {});
  };
  const keep = (entry: Entry, timeoutMs: number): Entry => {
    entries.set(entry.sandboxId, entry);
    entry.endAfter(timeoutMs);
    void entry.sandbox?.ended.then(() => {
      // A paused one may be resumed, and those who hold it go on with it then.
      if (!entry.sandbox && !entry.isPaused) entries.delete(entry.sandboxId);
    });
    return entry;
  };
  const close = async (entry: Entry, reason: EmberboxError): Promise<void> => {
    entries.delete(entry.sandboxId);
    const { sandbox } = entry;
    entry.stop(reason);
    await sandbox?.close(reason);
  };
  const owner = {
    wake: async (entry: Entry): Promise<void> => {
      await resume(entry.sandboxId, Math.max(entry.options.timeoutMs, RESUMED_MS));
    },
    async expired(entry: Entry, timeoutMs: number): Promise<void> {
      const { onTimeout, keepMemory = true } = entry.options.lifecycle ?? {};
      if (onTimeout !== "pause") {
        const reason = `the sandbox reached the end of its ${timeoutMs} ms`;
        return close(entry, new EmberboxError("sandbox_closed", reason));
      }
      try {
        await withRunning(entry.sandboxId, (known, sandbox) =>
          pauseEntry(known, sandbox, keepMemory),
        );
      } catch (error) {
        if (!entry.sandbox) return;
        // It would be lost: it goes on instead, until it can be paused.
        settings.onProgress?.(`a sandbox could not be paused: ${(error as Error).message}`);
        entry.endAfter(AGAIN_MS);
      }
    },
  };

  const obtain = async (resolved: ResolvedCreateOptions): Promise<LocalSandbox> => {
    const ready = open();
    if (settings.pool?.size)
      pool ??= createPool(ready, resolveCreateOptions({}), settings.pool.size);
    const spare = isDefaultShape(resolved) ? pool?.take() : undefined;
    if (!spare) return ready.restore(resolved, resolved.signal);
    const { gateway } = spare;
    await gateway.configure(resolved.access);
    if (Object.keys(resolved.envs).length > 0 || !resolved.access.isUsual) {
      await spare.hello({
        sandboxId: spare.sandboxId,
        templateId: resolved.template,
        accessToken: spare.accessToken,
        envs: { ...resolved.envs, ...gateway.envs },
        network: gateway.guest,
        growDisk: false,
      });
    }
    return spare;
  };

  return {
    name: "microvm",
    capabilities: Object.freeze({
      setTimeout: true,
      pause: true,
      snapshots: true,
      fork: true,
      network: true,
      updateNetwork: true,
    }),
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
      const sandbox = await (snapshot ? state.create(snapshot, resolved) : obtain(resolved));
      if (closed) return rejectClosed(sandbox);
      return keep(new Entry(owner, sandbox, resolved), resolved.timeoutMs).connection();
    },
    async connect(sandboxId, connectOptions): Promise<SandboxConnection> {
      // One that is being paused is resumed when it is.
      await entries.get(sandboxId)?.exclusively(async () => {});
      const entry = running(sandboxId);
      const timeoutMs = connectOptions?.timeoutMs;
      if (!entry)
        return (await resume(sandboxId, timeoutMs ?? RESUMED_MS, connectOptions)).connection();
      if (timeoutMs !== undefined && Date.now() + timeoutMs > entry.endAt.getTime())
        entry.endAfter(timeoutMs);
      return entry.connection();
    },
    async list() {
      const live = [...entries.values()]
        .filter(({ sandbox }) => sandbox)
        .map((entry) => entry.info());
      const onDisk = (await paused.list()).map(pausedInfo);
      return [...live, ...onDisk.filter(({ sandboxId }) => !running(sandboxId))];
    },
    async getInfo(sandboxId) {
      const entry = running(sandboxId);
      if (entry) return entry.info();
      const manifest = await paused.find(sandboxId);
      if (manifest) return pausedInfo(manifest);
      throw await notRunning(sandboxId);
    },
    async kill(sandboxId) {
      const reason = new EmberboxError("sandbox_closed", "the sandbox was killed");
      await stopResuming(sandboxId, reason);
      const entry = entries.get(sandboxId);
      const wasRunning = entry?.sandbox !== undefined;
      if (entry) {
        entry.killed = true;
        await close(entry, reason);
        // Whatever was being done with it fails now.
        await entry.exclusively(async () => {});
      }
      const wasPaused = await paused.delete(sandboxId);
      return wasRunning || wasPaused;
    },
    async setTimeout(sandboxId, timeoutMs) {
      if (!Number.isSafeInteger(timeoutMs) || timeoutMs < 1 || timeoutMs > 2 ** 31 - 1) {
        throw new EmberboxError(
          "invalid_argument",
          `Expected \`timeoutMs\` to be a positive number of milliseconds, got \`${timeoutMs}\``,
        );
      }
      const entry = running(sandboxId);
      if (!entry) throw await notRunning(sandboxId);
      entry.endAfter(timeoutMs);
    },
    async pause(sandboxId, { keepMemory = true, signal } = {}) {
      try {
        await withRunning(sandboxId, (entry, sandbox) =>
          pauseEntry(entry, sandbox, keepMemory, signal),
        );
        return true;
      } catch (error) {
        if (EmberboxError.isInstance(error) && error.code === "sandbox_paused") return false;
        throw error;
      }
    },
    createSnapshot: (sandboxId, { name, signal } = {}) => {
      if (name !== undefined && isTemplateName(name))
        throw new EmberboxError("invalid_argument", `\`${name}\` is the name of a template`);
      return withRunning(sandboxId, (entry, sandbox) =>
        open().state.snapshot(sandbox, factsOf(entry), { name, signal }),
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
      withRunning(sandboxId, async (entry, sandbox) => {
        const copies = await open().state.fork(sandbox, factsOf(entry), { count, signal });
        const forkOptions = { ...entry.options, access: entry.access, timeoutMs };
        return copies.map((copy) =>
          EmberboxError.isInstance(copy)
            ? copy
            : keep(new Entry(owner, copy, forkOptions), timeoutMs).connection(),
        );
      }),
    updateNetwork: (sandboxId, network) =>
      withRunning(sandboxId, async (entry, { gateway, guest }) => {
        entry.access = await gateway.update(network);
        await guest.tellNetwork(gateway.guest);
      }),
    getNetworkLog: (sandboxId) =>
      withRunning(sandboxId, async (_entry, { gateway }) => gateway.log()),
    async [Symbol.asyncDispose]() {
      closed = true;
      const reason = new EmberboxError("sandbox_closed", "this provider was closed");
      await Promise.all([
        pool?.close(),
        ...[...resuming.keys()].map((sandboxId) => stopResuming(sandboxId, reason)),
        ...[...entries.values()].map(async (entry) => {
          await close(entry, reason);
          // Whatever was being done with it fails now, and leaves nothing.
          await entry.exclusively(async () => {});
        }),
      ]);
    },
  };
}

async function rejectClosed(sandbox: LocalSandbox): Promise<never> {
  const reason = new EmberboxError("sandbox_closed", "this provider was closed");
  await sandbox.close(reason);
  throw reason;
}

/** What is kept of an entry beside its machine. Secrets are not. */
function factsOf({ options, startedAt, access }: Entry): Facts {
  const { template, envs, metadata, timeoutMs, lifecycle } = options;
  const kept = { ...shapeOf(options), template, envs, metadata, timeoutMs, lifecycle, access };
  return { startedAt: startedAt.toISOString(), options: kept };
}

function shapeOf({
  memoryMB,
  cpuCount,
  diskMB,
}: Facts["options"]): Pick<ResolvedCreateOptions, "memoryMB" | "cpuCount" | "diskMB"> {
  return { memoryMB, cpuCount, diskMB };
}

function isDefaultShape(options: ResolvedCreateOptions): boolean {
  const usual = resolveCreateOptions({});
  return (["template", "memoryMB", "cpuCount", "diskMB"] as const).every(
    (key) => options[key] === usual[key],
  );
}
