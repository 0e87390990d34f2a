import {
  type CreateOptions,
  EmberboxError,
  type SandboxConnection,
  type SandboxProvider,
  type SnapshotInfo,
} from "@emberbox/core";
import type { Logger } from "pino";
import { type Admission, createAdmission } from "./admission.ts";
import { ApiError, notImplemented, sandboxNotFound } from "./api-error.ts";
import { egressOf, type KnownNetwork } from "./known-network.ts";
import type { Settings } from "./options.ts";
import { type KnownSandbox, Registry } from "./registry.ts";
import type { Store } from "./store.ts";
import { templates } from "./templates.ts";

/** Traffic that resumes a sandbox gives it at least this much time. */
const RESUMED_FOR_MS = 300_000;
/** Requests that wait for one sandbox to be resumed share the work. */
type Resuming = Map<string, Promise<SandboxConnection>>;

/** What is done with the sandboxes of this server. */
export class Sandboxes {
  readonly registry: Registry;
  readonly #provider: SandboxProvider;
  readonly #log: Logger;
  readonly #admission: Admission;
  readonly #shape: Pick<CreateOptions, "memoryMB" | "cpuCount">;
  /** Held against by the provider, whatever is asked for. */
  readonly #ceiling: Pick<CreateOptions, "networkCeiling">;
  readonly #connections = new Map<string, SandboxConnection>();
  readonly #resuming: Resuming = new Map();
  #closing = false;

  constructor(settings: Settings, store: Store, log: Logger) {
    this.#provider = settings.provider;
    this.#log = log;
    this.registry = new Registry(settings.provider, store, log);
    const { memoryMB, cpuCount } = settings;
    this.#shape = {
      ...(memoryMB !== undefined && { memoryMB }),
      ...(cpuCount !== undefined && { cpuCount }),
    };
    const { networkCeiling } = settings.provider.capabilities;
    this.#ceiling = networkCeiling ? { networkCeiling: settings.network ?? true } : {};
    this.#admission = createAdmission(settings, async () => (await this.registry.running()).length);
  }

  get capabilities(): SandboxProvider["capabilities"] {
    return this.#provider.capabilities;
  }

  /** Has the provider do what the first client would wait for, longer than clients wait. */
  async prepare(): Promise<void> {
    await this.#provider.prepare?.({ ...this.#shape, ...this.#ceiling });
  }

  /** `name` is what the template was called in the request. */
  async create(
    name: string,
    options: CreateOptions & { readonly template: string },
    network: KnownNetwork,
  ): Promise<SandboxConnection> {
    if (this.#closing) throw new ApiError(503, "The server is shutting down");
    return this.#admission.admit(1, async () => {
      const egress = egressOf(network);
      // A snapshot brings its own shape.
      const shape = templates.has(options.template) ? this.#shape : {};
      const connection = await this.#provider.create({
        ...shape,
        ...options,
        ...(egress !== undefined && { network: egress }),
        ...this.#ceiling,
      });
      this.#remember(connection, name, network);
      // Meanwhile the client may have gone, or the server been told to end.
      if (this.#closing || options.signal?.aborted) {
        await this.kill(connection.sandboxId);
        throw new ApiError(503, "The server is shutting down, or nobody waits for the sandbox");
      }
      this.registry.note(connection.sandboxId, "created");
      return connection;
    });
  }

  /** Connects to a sandbox, resuming it when it is paused. */
  async connect(
    sandboxId: string,
    options: { timeoutMs: number; onResume?: "restore" | "reboot" },
  ): Promise<{ connection: SandboxConnection; resumed: boolean }> {
    const { info } = await this.registry.get(sandboxId);
    const resumed = info.state === "paused";
    const connection = resumed
      ? await this.#resume(sandboxId, options)
      : await this.#connectRunning(sandboxId, options.timeoutMs);
    return { connection, resumed };
  }

  /** How to reach a sandbox for traffic; resumes one that wants to be. @throws 404 */
  async reach(sandboxId: string): Promise<SandboxConnection> {
    const { info } = await this.registry.get(sandboxId);
    if (info.state === "paused") {
      if (info.lifecycle?.autoResume !== true) throw sandboxNotFound(sandboxId);
      return this.#resume(sandboxId, { timeoutMs: RESUMED_FOR_MS });
    }
    const known = this.#connections.get(sandboxId);
    if (known === undefined || known.gone() !== undefined) {
      const connection = await this.#provider.connect(sandboxId);
      this.#connections.set(sandboxId, connection);
      return connection;
    }
    // It may be being paused at this moment.
    await known.ready?.();
    return known;
  }

  async kill(sandboxId: string): Promise<boolean> {
    if (!this.registry.has(sandboxId)) return false;
    const killed = await this.#provider.kill(sandboxId);
    this.#connections.delete(sandboxId);
    if (killed) this.registry.note(sandboxId, "killed");
    this.registry.gone(sandboxId, "it was killed");
    return killed;
  }

  async setTimeout(sandboxId: string, timeoutMs: number): Promise<void> {
    const set = this.#provider.setTimeout;
    if (set === undefined) throw notImplemented("changing a sandbox's timeout");
    await this.registry.needRunning(sandboxId);
    await this.registry.guard(sandboxId, () => set.call(this.#provider, sandboxId, timeoutMs));
  }

  async pause(sandboxId: string, keepMemory: boolean): Promise<boolean> {
    const pause = this.#provider.pause;
    if (pause === undefined) throw notImplemented("pausing");
    await this.registry.get(sandboxId);
    const paused = await this.registry.guard(sandboxId, () =>
      pause.call(this.#provider, sandboxId, { keepMemory }),
    );
    this.#connections.delete(sandboxId);
    this.registry.setState(sandboxId, "paused");
    if (paused) this.registry.note(sandboxId, "paused");
    return paused;
  }

  async fork(
    sandboxId: string,
    count: number,
    timeoutMs: number | undefined,
  ): Promise<(SandboxConnection | EmberboxError)[]> {
    const fork = this.#provider.fork;
    if (fork === undefined) throw notImplemented("forking");
    const { alias, network } = await this.registry.needRunning(sandboxId);
    return this.#admission.admit(count, async () => {
      const forks = await this.registry.guard(sandboxId, () =>
        fork.call(this.#provider, sandboxId, {
          count,
          ...(timeoutMs !== undefined && { timeoutMs }),
        }),
      );
      for (const each of forks) {
        if (EmberboxError.isInstance(each)) continue;
        this.#remember(each, alias, network);
        this.registry.note(each.sandboxId, `forked from ${sandboxId}`);
      }
      return forks;
    });
  }

  async createSnapshot(sandboxId: string, name: string | undefined): Promise<SnapshotInfo> {
    const create = this.#provider.createSnapshot;
    if (create === undefined) throw notImplemented("making snapshots");
    await this.registry.get(sandboxId);
    const snapshot = await this.registry.guard(sandboxId, () =>
      create.call(this.#provider, sandboxId, name === undefined ? {} : { name }),
    );
    this.registry.note(sandboxId, `snapshot ${snapshot.snapshotId} was made`);
    return snapshot;
  }

  async listSnapshots(filter: { sandboxId?: string; name?: string }): Promise<SnapshotInfo[]> {
    if (this.#provider.listSnapshots === undefined) throw notImplemented("listing snapshots");
    return this.#provider.listSnapshots(filter);
  }

  async deleteSnapshot(snapshotId: string): Promise<boolean> {
    if (this.#provider.deleteSnapshot === undefined) throw notImplemented("deleting snapshots");
    return this.#provider.deleteSnapshot(snapshotId);
  }

  async updateNetwork(sandboxId: string, network: KnownNetwork): Promise<void> {
    const update = this.#provider.updateNetwork;
    if (update === undefined) throw notImplemented("changing a sandbox's network");
    const { network: before } = await this.registry.needRunning(sandboxId);
    const { allowPublicTraffic, maskRequestHost } = before;
    const kept = { ...network, allowPublicTraffic, maskRequestHost };
    await this.registry.guard(sandboxId, () =>
      update.call(this.#provider, sandboxId, egressOf(network) ?? true),
    );
    this.registry.setNetwork(sandboxId, kept);
    this.registry.note(sandboxId, "its network was changed");
  }

  /** Pauses or kills what runs. */
  async close(how: "pause" | "kill"): Promise<void> {
    this.#closing = true;
    const running = await this.registry.running();
    const end = ({ info: { sandboxId } }: KnownSandbox): Promise<unknown> =>
      how === "pause" ? this.pause(sandboxId, true) : this.kill(sandboxId);
    const outcomes = await Promise.allSettled(running.map(end));
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.status === "fulfilled") continue;
      const { sandboxId } = running[index]!.info;
      this.#log.error({ sandboxId, err: outcome.reason }, `could not ${how} a sandbox`);
    }
  }

  async #connectRunning(sandboxId: string, timeoutMs: number): Promise<SandboxConnection> {
    const connection = await this.registry.guard(sandboxId, () =>
      this.#provider.connect(sandboxId, { timeoutMs }),
    );
    this.#connections.set(sandboxId, connection);
    return connection;
  }

  #resume(
    sandboxId: string,
    options: { timeoutMs: number; onResume?: "restore" | "reboot" },
  ): Promise<SandboxConnection> {
    const underWay = this.#resuming.get(sandboxId);
    if (underWay !== undefined) return underWay;
    const work = this.#admission.admit(1, async () => {
      if (this.#closing) throw new ApiError(503, "The server is shutting down");
      const connection = await this.registry.guard(sandboxId, () =>
        this.#provider.connect(sandboxId, { ...options, ...this.#ceiling }),
      );
      this.#connections.set(sandboxId, connection);
      this.registry.setState(sandboxId, "running");
      this.registry.note(sandboxId, "resumed");
      return connection;
    });
    this.#resuming.set(sandboxId, work);
    return work.finally(() => this.#resuming.delete(sandboxId));
  }

  #remember(connection: SandboxConnection, template: string, network: KnownNetwork): void {
    this.#connections.set(connection.sandboxId, connection);
    this.registry.remember(connection.sandboxId, template, network);
  }
}
