import { EmberboxError } from "@emberbox/core";
import type { CreateOptions, SandboxConnection, SandboxProvider } from "@emberbox/core/provider";
import type { BuildTemplateOptions, BuiltTemplate, TemplateRequest } from "@emberbox/core/template";
import { SharedWork } from "@emberbox/core/concurrency";
import type { Logger } from "pino";
import { type Admission, createAdmission, USUAL_MB } from "./admission.ts";
import {
  ApiError,
  isUnknownTemplate,
  notImplemented,
  sandboxNotFound,
  templateNotFound,
} from "./api-error.ts";
import { egressOf, type KnownNetwork } from "./known-network.ts";
import type { Settings } from "./options.ts";
import { Quotas } from "./quotas.ts";
import { type KnownSandbox, Registry } from "./registry.ts";
import { Secrets } from "./secrets/secrets.ts";
import { openVault } from "./secrets/vault.ts";
import { Snapshots } from "./snapshots.ts";
import type { Store } from "./store.ts";
import { Templates } from "./templates.ts";
import { Volumes } from "./volumes.ts";
import { type Caller, operator } from "./tenants.ts";
import { createUsage } from "./usage.ts";

/** Traffic that resumes a sandbox gives it at least this much time, in ms. */
const RESUMED_FOR_MS = 300_000;

/** What is done with this server's sandboxes. */
export class Sandboxes {
  readonly registry: Registry;
  readonly snapshots: Snapshots;
  readonly templates: Templates;
  readonly secrets: Secrets;
  readonly volumes: Volumes;
  readonly #provider: SandboxProvider;
  readonly #log: Logger;
  readonly #admission: Admission;
  readonly #quotas: Quotas;
  readonly #shape: Pick<CreateOptions, "memoryMB" | "cpuCount">;
  /** The provider enforces it, whatever is asked for. */
  readonly #ceiling: Pick<CreateOptions, "networkCeiling">;
  readonly #connections = new Map<string, SandboxConnection>();
  /** Requests that wait for the same sandbox to be resumed share the work. */
  readonly #resuming = new SharedWork<SandboxConnection>({ keeps: false });
  #closing = false;

  constructor(settings: Settings, store: Store, log: Logger) {
    this.#provider = settings.provider;
    const isShared = settings.tenants.size > 1;
    this.templates = new Templates(settings.provider, store.builds, isShared);
    this.volumes = new Volumes(settings.provider, store);
    this.#log = log;
    this.secrets = new Secrets(store.secrets, openVault(settings.stateDirectory));
    this.registry = new Registry(settings.provider, store, log);
    this.#quotas = new Quotas(
      settings.quotas,
      createUsage(this.registry, (caller) => this.snapshots.list(caller)),
    );
    this.snapshots = new Snapshots(
      settings.provider,
      this.templates,
      store,
      this.registry,
      this.#quotas,
    );
    const { memoryMB, cpuCount } = settings;
    this.#shape = {
      ...(memoryMB !== undefined && { memoryMB }),
      ...(cpuCount !== undefined && { cpuCount }),
    };
    const { networkCeiling } = settings.provider.capabilities;
    this.#ceiling = networkCeiling ? { networkCeiling: settings.network ?? true } : {};
    this.#admission = createAdmission(
      { ...settings, isShared },
      async () => (await this.registry.running(operator)).length,
    );
  }

  /** What a sandbox of a template has. */
  get usual(): { memoryMB: number; cpuCount: number } {
    const { memoryMB = USUAL_MB, cpuCount = 1 } = this.#shape;
    return { memoryMB, cpuCount };
  }

  get capabilities(): SandboxProvider["capabilities"] {
    return this.#provider.capabilities;
  }

  /** Has the provider do in advance what the first client would wait for, longer than clients do. */
  async prepare(): Promise<void> {
    await this.#provider.prepare?.({ ...this.#shape, ...this.#ceiling });
  }

  /** `alias` is what the request calls the template. @throws 404 for one that the caller does not have */
  async create(
    caller: Caller,
    alias: string,
    options: Omit<CreateOptions, "template">,
    network: KnownNetwork,
  ): Promise<{ connection: SandboxConnection; template: string }> {
    if (this.#closing) throw new ApiError(503, "The server is shutting down");
    const { tenant } = caller;
    const { template, shape, memoryMB } = await this.#beginning(caller, alias);
    const asked = { memoryMB, willBeKept: options.lifecycle?.onTimeout === "pause" };
    return this.#admit(tenant, 1, asked, async () => {
      const egress = egressOf(this.secrets.fill(tenant, network));
      const connection = await this.#provider
        .create({
          ...shape,
          ...options,
          ...this.#keptFor(options),
          template,
          ...(egress !== undefined && { network: egress }),
          ...this.#ceiling,
        })
        .catch((error: unknown) => {
          throw isUnknownTemplate(error) ? templateNotFound(alias) : error;
        });
      const { sandboxId } = connection;
      await this.#remember(connection, { tenant, alias, network });
      this.secrets.keepRules(sandboxId, network);
      // Meanwhile the client may have gone, or the server been told to stop.
      if (this.#closing || options.signal?.aborted) {
        await this.kill(caller, sandboxId);
        throw new ApiError(503, "The server is shutting down, or nobody waits for the sandbox");
      }
      this.registry.note(sandboxId, "created");
      return { connection, template };
    });
  }

  /** Clients, and the server's own records, count on paused sandboxes: none is removed that nobody has killed. */
  #keptFor({ lifecycle }: Pick<CreateOptions, "lifecycle">): Pick<CreateOptions, "lifecycle"> {
    if (!this.#provider.capabilities.pausedTtl) return {};
    return { lifecycle: { ...lifecycle, pausedTtlMs: false } };
  }

  /** What a sandbox is made from. A snapshot and a template that was built determine the shape themselves. */
  async #beginning(caller: Caller, alias: string) {
    const template = this.templates.resolve(alias);
    const { memoryMB: usualMB } = this.usual;
    if (this.templates.has(template)) return { template, shape: this.#shape, memoryMB: usualMB };
    const source = this.snapshots.source(caller, template);
    if (source?.memoryMB !== undefined) return { ...source, shape: {}, memoryMB: source.memoryMB };
    const built = await this.templates.findBuilt(caller, alias);
    if (built !== undefined)
      return { template: built.reference, shape: {}, memoryMB: built.memoryMB };
    if (source !== undefined) return { ...source, shape: {}, memoryMB: usualMB };
    throw templateNotFound(alias);
  }

  /** Starts `count` sandboxes of a tenant. @throws 429 when there is no room, or the tenant's quota is used up */
  #admit<T>(
    tenant: string,
    count: number,
    { memoryMB, willBeKept }: { memoryMB: number; willBeKept: boolean },
    work: () => Promise<T>,
  ): Promise<T> {
    const asked = {
      sandboxes: count,
      memoryMB: count * memoryMB,
      // When its time is over it will be kept, and it is too late to refuse then.
      ...(willBeKept && { diskMB: 1 }),
    };
    return this.#quotas.take(tenant, asked, () => this.#admission.admit(count, work));
  }

  /** Builds a template in a sandbox, which counts as one of the caller's. @throws 429 */
  build(
    { tenant }: Caller,
    request: TemplateRequest,
    options: BuildTemplateOptions,
  ): Promise<BuiltTemplate> {
    const build = this.#provider.buildTemplate;
    if (build === undefined) throw notImplemented("building templates");
    const shaped = { ...this.#shape, ...options, ...this.#ceiling };
    const asked = { memoryMB: shaped.memoryMB ?? USUAL_MB, willBeKept: false };
    return this.#admit(tenant, 1, asked, () => build.call(this.#provider, request, shaped));
  }

  /** Connects to a sandbox, resuming it if it is paused. */
  async connect(
    caller: Caller,
    sandboxId: string,
    options: { timeoutMs: number; onResume?: "restore" | "reboot" },
  ): Promise<{ connection: SandboxConnection; resumed: boolean }> {
    const known = await this.registry.get(caller, sandboxId);
    const resumed = known.info.state === "paused";
    const connection = resumed
      ? await this.#resume(known, options)
      : await this.#connectRunning(sandboxId, options.timeoutMs);
    return { connection, resumed };
  }

  /** How to reach a sandbox for traffic, whoever sends it; resumes a sandbox that is set to. @throws 404 */
  async reach(sandboxId: string): Promise<SandboxConnection> {
    const known = await this.registry.get(operator, sandboxId);
    const { info } = known;
    if (info.state === "paused") {
      if (info.lifecycle?.autoResume !== true) throw sandboxNotFound(sandboxId);
      return this.#resume(known, { timeoutMs: RESUMED_FOR_MS });
    }
    const connected = this.#connections.get(sandboxId);
    if (connected === undefined || connected.gone() !== undefined) {
      const connection = await this.#provider.connect(sandboxId);
      this.#connections.set(sandboxId, connection);
      return connection;
    }
    // It may be in the middle of being paused.
    await connected.ready?.();
    return connected;
  }

  /** The way to a sandbox that runs; one that is paused stays so. @throws 404 */
  async running(sandboxId: string): Promise<SandboxConnection | undefined> {
    const connection = this.#connections.get(sandboxId);
    if (connection === undefined || connection.gone() !== undefined) return undefined;
    const { state } = await this.registry.guard(sandboxId, () => this.#provider.getInfo(sandboxId));
    return state === "running" ? connection : undefined;
  }

  /** Sandboxes that were reached, and are not gone. */
  reached(): string[] {
    for (const sandboxId of this.#connections.keys())
      if (this.registry.isGone(sandboxId)) this.#connections.delete(sandboxId);
    return [...this.#connections.keys()];
  }

  async kill(caller: Caller, sandboxId: string): Promise<boolean> {
    if (!this.registry.has(caller, sandboxId)) return false;
    const killed = await this.#provider.kill(sandboxId);
    this.#connections.delete(sandboxId);
    this.registry.gone(sandboxId, "it was killed");
    return killed;
  }

  async setTimeout(caller: Caller, sandboxId: string, timeoutMs: number): Promise<void> {
    const set = this.#provider.setTimeout;
    if (set === undefined) throw notImplemented("changing a sandbox's timeout");
    await this.registry.needRunning(caller, sandboxId);
    await this.registry.guard(sandboxId, () => set.call(this.#provider, sandboxId, timeoutMs));
    const end = new Date(Date.now() + timeoutMs);
    this.registry.updated(sandboxId, { set_timeout: end.toISOString() });
  }

  async pause(caller: Caller, sandboxId: string, keepMemory: boolean): Promise<boolean> {
    const pause = this.#provider.pause;
    if (pause === undefined) throw notImplemented("pausing");
    const { info, tenant } = await this.registry.get(caller, sandboxId);
    const diskMB = keepMemory ? info.memoryMB : 1;
    // No quota holds the server itself, which pauses what would be lost otherwise.
    const asked = info.state === "paused" || caller === operator ? {} : { diskMB };
    const paused = await this.#quotas.take(tenant, asked, () =>
      this.registry.guard(sandboxId, () => pause.call(this.#provider, sandboxId, { keepMemory })),
    );
    this.#connections.delete(sandboxId);
    this.registry.setState(sandboxId, "paused");
    return paused;
  }

  async fork(
    caller: Caller,
    sandboxId: string,
    count: number,
    timeoutMs: number | undefined,
  ): Promise<(SandboxConnection | EmberboxError)[]> {
    const fork = this.#provider.fork;
    if (fork === undefined) throw notImplemented("forking");
    const parent = await this.registry.needRunning(caller, sandboxId);
    const { info, tenant } = parent;
    const asked = {
      memoryMB: info.memoryMB,
      willBeKept: info.lifecycle?.onTimeout === "pause",
    };
    return this.#admit(tenant, count, asked, async () => {
      const forks = await this.registry.guard(sandboxId, () =>
        fork.call(this.#provider, sandboxId, {
          count,
          ...(timeoutMs !== undefined && { timeoutMs }),
        }),
      );
      const made = forks.filter((each) => !EmberboxError.isInstance(each)) as SandboxConnection[];
      await Promise.all(made.map((each) => this.#remember(each, parent)));
      for (const each of made) {
        this.secrets.copyRules(sandboxId, each.sandboxId);
        this.registry.note(each.sandboxId, `forked from ${sandboxId}`);
      }
      return forks;
    });
  }

  async updateNetwork(caller: Caller, sandboxId: string, network: KnownNetwork): Promise<void> {
    const update = this.#provider.updateNetwork;
    if (update === undefined) throw notImplemented("changing a sandbox's network");
    const { network: before, tenant } = await this.registry.needRunning(caller, sandboxId);
    const { allowPublicTraffic, maskRequestHost, httpsPorts } = before;
    const kept = { ...network, allowPublicTraffic, maskRequestHost, httpsPorts };
    const egress = egressOf(this.secrets.fill(tenant, network)) ?? true;
    await this.registry.guard(sandboxId, () => update.call(this.#provider, sandboxId, egress));
    this.secrets.keepRules(sandboxId, network);
    this.registry.setNetwork(sandboxId, kept);
    this.registry.note(sandboxId, "its network was changed");
    this.registry.updated(sandboxId);
  }

  /** Pauses or kills the running ones. */
  async close(how: "pause" | "kill"): Promise<void> {
    this.#closing = true;
    const running = await this.registry.running(operator);
    const end = ({ info: { sandboxId } }: KnownSandbox): Promise<unknown> =>
      how === "pause" ? this.pause(operator, sandboxId, true) : this.kill(operator, sandboxId);
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

  /** Secrets in the rules of a sandbox that was resumed are filled in anew: they may have changed, or be forgotten. */
  async #refill({ info: { sandboxId }, tenant, network }: KnownSandbox): Promise<void> {
    const refilled = this.secrets.refill(tenant, sandboxId);
    const egress = refilled && egressOf({ ...network, rules: refilled.rules });
    if (refilled === undefined || egress === undefined) return;
    await this.registry.guard(sandboxId, async () =>
      this.#provider.updateNetwork?.(sandboxId, egress),
    );
    if (refilled.gone.length > 0)
      this.registry.note(
        sandboxId,
        `its rules name secrets that are gone: ${refilled.gone.join()}`,
      );
  }

  #resume(
    known: KnownSandbox,
    options: { timeoutMs: number; onResume?: "restore" | "reboot" },
  ): Promise<SandboxConnection> {
    const { info, tenant } = known;
    const { sandboxId, memoryMB } = info;
    const asked = { memoryMB, willBeKept: false };
    const resume = async (): Promise<SandboxConnection> => {
      if (this.#closing) throw new ApiError(503, "The server is shutting down");
      const connection = await this.registry.guard(sandboxId, () =>
        this.#provider.connect(sandboxId, { ...options, ...this.#ceiling }),
      );
      this.#connections.set(sandboxId, connection);
      this.registry.setState(sandboxId, "running");
      await this.#refill(known);
      return connection;
    };
    return this.#resuming.get(sandboxId, () => this.#admit(tenant, 1, asked, resume));
  }

  async #remember(
    connection: SandboxConnection,
    known: Pick<KnownSandbox, "tenant" | "alias" | "network">,
  ): Promise<void> {
    const { sandboxId } = connection;
    await this.registry.remember(sandboxId, known).catch(async (error: unknown) => {
      // Nobody could reach it.
      await this.#provider.kill(sandboxId);
      throw error;
    });
    this.#connections.set(sandboxId, connection);
  }
}
