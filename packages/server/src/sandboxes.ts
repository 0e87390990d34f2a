import {
  EmberboxError,
  type CreateOptions,
  type NetworkOptions,
  type SandboxConnection,
  type SandboxInfo,
  type SandboxProvider,
  type SnapshotInfo,
} from "@emberbox/core";
import type { Logger } from "pino";
import { type Admission, createAdmission } from "./admission.ts";
import { ApiError, notImplemented, sandboxNotFound } from "./api-error.ts";
import { createJournal, type Journal } from "./journal.ts";
import type { Settings } from "./options.ts";
import type { Row, Store } from "./store.ts";
import { templates } from "./templates.ts";
import { type Tokens, tokensOf } from "./tokens.ts";

/** Traffic that resumes a sandbox gives it at least this much time. */
const RESUMED_FOR_MS = 300_000;
const ENDED = "it reached the end of its time, or died";
/** Requests that wait for one sandbox to be resumed share the work. */
type Resuming = Map<string, Promise<SandboxConnection>>;

/** What the network part of a request says, as far as the server itself keeps it. */
export interface KnownNetwork extends NetworkOptions {
  readonly allowInternetAccess?: boolean | undefined;
}

export interface KnownSandbox {
  readonly info: SandboxInfo;
  /** What its template was called in the request. */
  readonly alias: string;
  readonly network: KnownNetwork;
}

/** The sandboxes of this server: its provider's, and what the server remembers of them. */
export class Sandboxes {
  readonly journal: Journal = createJournal();
  readonly #provider: SandboxProvider;
  readonly #store: Store;
  readonly #log: Logger;
  readonly #admission: Admission;
  readonly #shape: Pick<CreateOptions, "memoryMB" | "cpuCount">;
  readonly #connections = new Map<string, SandboxConnection>();
  readonly #resuming: Resuming = new Map();
  #closing = false;

  constructor(settings: Settings, store: Store, log: Logger) {
    this.#provider = settings.provider;
    this.#store = store;
    this.#log = log;
    const { memoryMB, cpuCount } = settings;
    this.#shape = {
      ...(memoryMB !== undefined && { memoryMB }),
      ...(cpuCount !== undefined && { cpuCount }),
    };
    this.#admission = createAdmission(settings, async () => (await this.#running()).length);
  }

  get capabilities(): SandboxProvider["capabilities"] {
    return this.#provider.capabilities;
  }

  tokens(sandboxId: string): Tokens {
    return tokensOf(this.#store.seed, sandboxId);
  }

  /** Has the provider do what the first client would wait for, longer than clients wait. */
  async prepare(): Promise<void> {
    await this.#provider.prepare?.(this.#shape);
  }

  /** After a restart: brings the rows and the provider's sandboxes together, and tells what was lost. */
  async reconcile(): Promise<{ lost: number; paused: number }> {
    const gone = await this.#compare("it ended with the server that ran it");
    for (const { sandboxId, state } of gone)
      this.#log.warn({ sandboxId, was: state }, "a sandbox was lost");
    const paused = (await this.list()).filter(({ info }) => info.state === "paused").length;
    return { lost: gone.length, paused };
  }

  /** Notices what became of sandboxes by themselves. */
  async sweep(): Promise<void> {
    await this.#compare(ENDED);
    this.#store.prune();
  }

  /** Brings the rows up to date, and tells which sandboxes are gone. */
  async #compare(reason: string): Promise<Row[]> {
    // The rows first: what begins meanwhile has none here, and is not taken for gone.
    const rows = this.#store.all().filter(({ state }) => state !== "gone");
    const there = new Map((await this.#provider.list()).map((info) => [info.sandboxId, info]));
    for (const { sandboxId, state } of rows) {
      const info = there.get(sandboxId);
      if (info === undefined) this.#gone(sandboxId, reason);
      else if (info.state !== state) this.#store.setState(sandboxId, info.state);
    }
    return rows.filter(({ sandboxId }) => !there.has(sandboxId));
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
      });
      this.#remember(connection, name, network);
      // Meanwhile the client may have gone, or the server been told to end.
      if (this.#closing || options.signal?.aborted) {
        await this.kill(connection.sandboxId);
        throw new ApiError(503, "The server is shutting down, or nobody waits for the sandbox");
      }
      this.#note(connection.sandboxId, "created");
      return connection;
    });
  }

  async get(sandboxId: string): Promise<KnownSandbox> {
    const row = this.#row(sandboxId);
    try {
      return this.#known(await this.#provider.getInfo(sandboxId), row);
    } catch (error) {
      throw this.#missing(sandboxId, error);
    }
  }

  async list(): Promise<KnownSandbox[]> {
    const infos = await this.#provider.list();
    return infos.flatMap((info) => {
      const row = this.#store.get(info.sandboxId);
      return row !== undefined && this.#owns(row) ? [this.#known(info, row)] : [];
    });
  }

  /** Connects to a sandbox, resuming it when it is paused. */
  async connect(
    sandboxId: string,
    options: { timeoutMs: number; onResume?: "restore" | "reboot" },
  ): Promise<{ connection: SandboxConnection; resumed: boolean }> {
    const { info } = await this.get(sandboxId);
    const resumed = info.state === "paused";
    const connection = resumed
      ? await this.#resume(sandboxId, options)
      : await this.#connectRunning(sandboxId, options.timeoutMs);
    return { connection, resumed };
  }

  /** How to reach a sandbox for traffic; resumes one that wants to be. @throws 404 */
  async reach(sandboxId: string): Promise<SandboxConnection> {
    const { info } = await this.get(sandboxId);
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

  /** What was asked of a sandbox's network; looked up for every request to its servers. */
  network(sandboxId: string): KnownNetwork {
    return networkOf(this.#store.get(sandboxId));
  }

  async kill(sandboxId: string): Promise<boolean> {
    const row = this.#store.get(sandboxId);
    if (row === undefined || !this.#owns(row)) return false;
    const killed = await this.#provider.kill(sandboxId);
    this.#connections.delete(sandboxId);
    if (killed) this.#note(sandboxId, "killed");
    if (row.state !== "gone") this.#gone(sandboxId, "it was killed");
    return killed;
  }

  async setTimeout(sandboxId: string, timeoutMs: number): Promise<void> {
    const set = this.#provider.setTimeout;
    if (set === undefined) throw notImplemented("changing a sandbox's timeout");
    await this.#needRunning(sandboxId);
    await this.#guard(sandboxId, () => set.call(this.#provider, sandboxId, timeoutMs));
  }

  async pause(sandboxId: string, keepMemory: boolean): Promise<boolean> {
    const pause = this.#provider.pause;
    if (pause === undefined) throw notImplemented("pausing");
    await this.get(sandboxId);
    const paused = await this.#guard(sandboxId, () =>
      pause.call(this.#provider, sandboxId, { keepMemory }),
    );
    this.#connections.delete(sandboxId);
    this.#store.setState(sandboxId, "paused");
    if (paused) this.#note(sandboxId, "paused");
    return paused;
  }

  async fork(
    sandboxId: string,
    count: number,
    timeoutMs: number | undefined,
  ): Promise<(SandboxConnection | EmberboxError)[]> {
    const fork = this.#provider.fork;
    if (fork === undefined) throw notImplemented("forking");
    const { alias, network } = await this.#needRunning(sandboxId);
    return this.#admission.admit(count, async () => {
      const forks = await this.#guard(sandboxId, () =>
        fork.call(this.#provider, sandboxId, {
          count,
          ...(timeoutMs !== undefined && { timeoutMs }),
        }),
      );
      for (const each of forks) {
        if (EmberboxError.isInstance(each)) continue;
        this.#remember(each, alias, network);
        this.#note(each.sandboxId, `forked from ${sandboxId}`);
      }
      return forks;
    });
  }

  async createSnapshot(sandboxId: string, name: string | undefined): Promise<SnapshotInfo> {
    const create = this.#provider.createSnapshot;
    if (create === undefined) throw notImplemented("making snapshots");
    await this.get(sandboxId);
    const snapshot = await this.#guard(sandboxId, () =>
      create.call(this.#provider, sandboxId, name === undefined ? {} : { name }),
    );
    this.#note(sandboxId, `snapshot ${snapshot.snapshotId} was made`);
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
    const { network: before } = await this.#needRunning(sandboxId);
    const { allowPublicTraffic, maskRequestHost } = before;
    const kept = { ...network, allowPublicTraffic, maskRequestHost };
    await this.#guard(sandboxId, () =>
      update.call(this.#provider, sandboxId, egressOf(network) ?? true),
    );
    this.#store.setNetwork(sandboxId, JSON.stringify(kept));
    this.#note(sandboxId, "its network was changed");
  }

  /** Pauses or kills what runs. */
  async close(how: "pause" | "kill"): Promise<void> {
    this.#closing = true;
    const running = await this.#running();
    const end = ({ info: { sandboxId } }: KnownSandbox): Promise<unknown> =>
      how === "pause" ? this.pause(sandboxId, true) : this.kill(sandboxId);
    const outcomes = await Promise.allSettled(running.map(end));
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.status === "fulfilled") continue;
      const { sandboxId } = running[index]!.info;
      this.#log.error({ sandboxId, err: outcome.reason }, `could not ${how} a sandbox`);
    }
  }

  async #running(): Promise<KnownSandbox[]> {
    return (await this.list()).filter(({ info }) => info.state === "running");
  }

  /** @throws 404 unless it runs */
  async #needRunning(sandboxId: string): Promise<KnownSandbox> {
    const known = await this.get(sandboxId);
    if (known.info.state === "running") return known;
    throw new ApiError(409, `Sandbox "${sandboxId}" is paused`);
  }

  async #connectRunning(sandboxId: string, timeoutMs: number): Promise<SandboxConnection> {
    const connection = await this.#guard(sandboxId, () =>
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
      const connection = await this.#guard(sandboxId, () =>
        this.#provider.connect(sandboxId, options),
      );
      this.#connections.set(sandboxId, connection);
      this.#store.setState(sandboxId, "running");
      this.#note(sandboxId, "resumed");
      return connection;
    });
    this.#resuming.set(sandboxId, work);
    return work.finally(() => this.#resuming.delete(sandboxId));
  }

  #remember(connection: SandboxConnection, template: string, network: KnownNetwork): void {
    const { sandboxId } = connection;
    this.#connections.set(sandboxId, connection);
    const empty = Object.keys(network).length === 0;
    this.#store.put({
      sandboxId,
      template,
      state: "running",
      reason: null,
      network: empty ? null : JSON.stringify(network),
    });
  }

  /** @throws 404 when it is not this server's: other servers and programs have theirs in the same place */
  #row(sandboxId: string): Row {
    const row = this.#store.get(sandboxId);
    if (row !== undefined && this.#owns(row)) return row;
    throw sandboxNotFound(sandboxId);
  }

  #owns(row: Row): boolean {
    return row.server === this.#store.server;
  }

  #known(info: SandboxInfo, row: Row): KnownSandbox {
    return { info, alias: row.template, network: networkOf(row) };
  }

  /** Does something with a sandbox that was there a moment ago. */
  async #guard<T>(sandboxId: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw this.#missing(sandboxId, error);
    }
  }

  /** Says of a missing sandbox what is known: that it never was, or why it is gone. */
  #missing(sandboxId: string, error: unknown): unknown {
    if (!EmberboxError.isInstance(error) || error.code !== "sandbox_not_found") return error;
    this.#connections.delete(sandboxId);
    const row = this.#store.get(sandboxId);
    if (row === undefined) return sandboxNotFound(sandboxId);
    if (row.state !== "gone") this.#gone(sandboxId, ENDED);
    const { reason } = this.#store.get(sandboxId)!;
    return new ApiError(404, `${sandboxNotFound(sandboxId).message}: ${reason}`);
  }

  #gone(sandboxId: string, reason: string): void {
    this.#store.setState(sandboxId, "gone", reason);
    this.journal.forget(sandboxId);
  }

  #note(sandboxId: string, event: string): void {
    this.#log.info({ sandboxId }, `sandbox ${event}`);
    this.journal.note(sandboxId, event);
  }
}

function networkOf(row: Row | undefined): KnownNetwork {
  return row?.network ? (JSON.parse(row.network) as KnownNetwork) : {};
}

/** What the provider is told: who may come in is the server's business. */
export function egressOf(network: KnownNetwork): boolean | NetworkOptions | undefined {
  if (network.allowInternetAccess === false) return false;
  const { allowOut, denyOut, rules } = network;
  if (allowOut === undefined && denyOut === undefined && rules === undefined) return undefined;
  return {
    ...(allowOut && { allowOut }),
    ...(denyOut && { denyOut }),
    ...(rules && { rules }),
  };
}
