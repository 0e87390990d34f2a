import { EmberboxError, type SandboxInfo } from "@emberbox/core";
import type { SandboxProvider } from "@emberbox/core/provider";
import type { Logger } from "pino";
import { ApiError, sandboxNotFound } from "./api-error.ts";
import type { EventData } from "./events/event.ts";
import { Lifecycle } from "./events/lifecycle.ts";
import { Output } from "./observed/output.ts";
import { type KnownNetwork, withoutValues } from "./known-network.ts";
import type { Row, Store } from "./store.ts";
import { type Caller, operator, sees } from "./tenants.ts";
import { type Tokens, tokensOf } from "./tokens.ts";

const ENDED = "it reached the end of its time, or died";

export interface KnownSandbox {
  readonly info: SandboxInfo;
  /** The tenant that it belongs to. */
  readonly tenant: string;
  /** What the request called its template. */
  readonly alias: string;
  readonly network: KnownNetwork;
}

/**
 * Which sandboxes are this server's, and what became of them: its rows, compared with what the provider has. Other
 * servers and programs may have theirs in the same place.
 */
export class Registry {
  readonly lifecycle: Lifecycle;
  readonly output: Output;
  readonly #provider: SandboxProvider;
  readonly #store: Store;
  readonly #log: Logger;

  constructor(provider: SandboxProvider, store: Store, log: Logger) {
    this.#provider = provider;
    this.#store = store;
    this.#log = log;
    this.lifecycle = new Lifecycle(store, log);
    this.output = new Output(store, log);
  }

  tokens(sandboxId: string): Tokens {
    return tokensOf(this.#store.seed, sandboxId);
  }

  /** Whose it is, if it is or was this server's. */
  tenant(sandboxId: string): string | undefined {
    return this.#store.get(sandboxId)?.tenant;
  }

  /** What was requested for a sandbox's network; looked up for every request to its servers. */
  network(sandboxId: string): KnownNetwork {
    return networkOf(this.#store.get(sandboxId));
  }

  /** After a restart: reconciles the rows with the provider's sandboxes; returns what was lost. */
  async reconcile(): Promise<{ lost: number; paused: number }> {
    for (const { info, tenant, alias } of await this.list(operator))
      this.lifecycle.know(tenant, alias, info);
    const gone = await this.#compare("it ended with the server that ran it");
    for (const { sandboxId, state } of gone)
      this.#log.warn({ sandboxId, was: state }, "a sandbox was lost");
    const paused = (await this.list(operator)).filter(({ info }) => info.state === "paused").length;
    return { lost: gone.length, paused };
  }

  /** Notices sandboxes that ended or changed by themselves. */
  async sweep(): Promise<void> {
    await this.#compare(ENDED);
    this.#store.prune();
  }

  /** Brings the rows up to date; returns those whose sandboxes are gone. */
  async #compare(reason: string): Promise<Row[]> {
    // The rows first: a sandbox that starts meanwhile has no row here, and so is not mistaken for gone.
    const rows = this.#store.all().filter(({ state }) => state !== "gone");
    const there = new Map((await this.#provider.list()).map((info) => [info.sandboxId, info]));
    for (const { sandboxId, state } of rows) {
      const info = there.get(sandboxId);
      if (info === undefined) this.gone(sandboxId, reason);
      else if (info.state !== state) this.setState(sandboxId, info.state);
    }
    return rows.filter(({ sandboxId }) => !there.has(sandboxId));
  }

  /** Remembers one that has just started. `alias` is what the request called its template. */
  async remember(
    sandboxId: string,
    { tenant, alias, network }: Pick<KnownSandbox, "tenant" | "alias" | "network">,
  ): Promise<void> {
    const info = await this.#provider.getInfo(sandboxId);
    const empty = Object.keys(network).length === 0;
    this.#store.transaction(() => {
      this.#store.put({
        sandboxId,
        tenant,
        template: alias,
        state: "running",
        reason: null,
        network: empty ? null : JSON.stringify(withoutValues(network)),
      });
      this.lifecycle.began(tenant, alias, info);
    });
  }

  /** True for this server's that the caller may see, even when it is gone. */
  has(caller: Caller, sandboxId: string): boolean {
    return this.#row(caller, sandboxId) !== undefined;
  }

  /** @throws 404, also for one that the caller may not see */
  async get(caller: Caller, sandboxId: string): Promise<KnownSandbox> {
    const row = this.#row(caller, sandboxId);
    if (row === undefined) throw sandboxNotFound(sandboxId);
    return known(await this.guard(sandboxId, () => this.#provider.getInfo(sandboxId)), row);
  }

  /** @throws 404, and 409 when it is paused */
  async needRunning(caller: Caller, sandboxId: string): Promise<KnownSandbox> {
    const found = await this.get(caller, sandboxId);
    if (found.info.state === "running") return found;
    throw new ApiError(409, `Sandbox "${sandboxId}" is paused`);
  }

  /** Those that the caller may see. */
  async list(caller: Caller): Promise<KnownSandbox[]> {
    const infos = await this.#provider.list();
    return infos.flatMap((info) => {
      const row = this.#row(caller, info.sandboxId);
      return row === undefined ? [] : [known(info, row)];
    });
  }

  async running(caller: Caller): Promise<KnownSandbox[]> {
    return (await this.list(caller)).filter(({ info }) => info.state === "running");
  }

  setState(sandboxId: string, state: "running" | "paused"): void {
    this.#store.transaction(() => {
      if (!this.#store.setState(sandboxId, state)) return;
      this.lifecycle.moved(sandboxId, state);
      this.note(sandboxId, state === "paused" ? "paused" : "resumed");
    });
  }

  /** Its time or its network was changed. */
  updated(sandboxId: string, data: EventData = {}): void {
    this.lifecycle.changed(sandboxId, "sandbox.lifecycle.updated", data);
  }

  setNetwork(sandboxId: string, network: KnownNetwork): void {
    this.#store.setNetwork(sandboxId, JSON.stringify(withoutValues(network)));
  }

  gone(sandboxId: string, reason: string): void {
    this.#store.transaction(() => {
      if (!this.#store.setState(sandboxId, "gone", reason)) return;
      this.lifecycle.moved(sandboxId, "gone");
      this.note(sandboxId, `ended: ${reason}`);
      this.#store.output.crop(this.#store.get(sandboxId)!.tenant);
    });
  }

  /** Whether there is nothing of it any more but its row. */
  isGone(sandboxId: string): boolean {
    return (this.#store.get(sandboxId)?.state ?? "gone") === "gone";
  }

  note(sandboxId: string, event: string): void {
    this.#log.info({ sandboxId }, `sandbox ${event}`);
    this.output.note(sandboxId, event);
  }

  /** Does something with a sandbox that existed a moment ago. @throws 404 that says why it is gone, if that is known */
  async guard<T>(sandboxId: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!EmberboxError.isInstance(error) || error.code !== "sandbox_not_found") throw error;
      const notFound = sandboxNotFound(sandboxId);
      if (this.#store.get(sandboxId) === undefined) throw notFound;
      this.gone(sandboxId, ENDED);
      const { reason } = this.#store.get(sandboxId)!;
      throw new ApiError(404, `${notFound.message}: ${reason}`);
    }
  }

  #row(caller: Caller, sandboxId: string): Row | undefined {
    const row = this.#store.get(sandboxId);
    return row?.server === this.#store.server && sees(caller, row.tenant) ? row : undefined;
  }
}

function known(info: SandboxInfo, row: Row): KnownSandbox {
  return { info, tenant: row.tenant, alias: row.template, network: networkOf(row) };
}

function networkOf(row: Row | undefined): KnownNetwork {
  return row?.network ? (JSON.parse(row.network) as KnownNetwork) : {};
}
