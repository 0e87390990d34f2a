import { createHmac, randomBytes } from "node:crypto";
import { EmberboxError, type SandboxInfo } from "@emberbox/core";
import type { SandboxConnection } from "@emberbox/core/provider";
import { background, warning } from "@emberbox/core/background";
import { Queue } from "@emberbox/core/concurrency";
import type { Access } from "../network/access.ts";
import { createPorts, type Ports } from "../ports/ports.ts";
import type { ResolvedCreateOptions, Shape } from "../restore/create-options.ts";
import type { LocalSandbox } from "../restore/sandbox.ts";
import type { Manifest } from "../saved/manifest.ts";
import { ownBytes } from "../saved/snapshots.ts";
import type { SandboxDetails } from "../saved/state-engine.ts";

/** What an entry asks of its provider. */
export interface EntryOwner {
  /** Resumes a paused entry for a request. */
  wake(entry: Entry): Promise<void>;
  /** Called when its time is over. */
  expired(entry: Entry, timeoutMs: number): Promise<void>;
}

/** A sandbox of this program: running, paused (and able to run again), or gone. */
export class Entry {
  readonly sandboxId: string;
  readonly options: ResolvedCreateOptions;
  readonly startedAt: Date;
  readonly accessToken: string | undefined;
  /** The token that requests to the sandbox's own servers must carry; `undefined` when they are public. */
  readonly trafficAccessToken: string | undefined;
  readonly ports: Ports;
  /** The machine, while there is one. */
  sandbox: LocalSandbox | undefined;
  /** What it may reach now. */
  access: Access;
  endAt: Date = new Date();
  killed = false;
  /** Set while it is being paused; settles when it is paused, or keeps running after all. */
  pausing: Promise<unknown> | undefined;
  readonly #owner: EntryOwner;
  #timer: NodeJS.Timeout | undefined;
  #gone: EmberboxError | undefined;
  readonly #ended = new AbortController();
  readonly #queue = new Queue();

  constructor(
    owner: EntryOwner,
    sandbox: LocalSandbox,
    options: ResolvedCreateOptions,
    startedAt: Date = new Date(),
  ) {
    this.#owner = owner;
    this.sandboxId = sandbox.sandboxId;
    this.accessToken = sandbox.accessToken;
    this.options = options;
    this.access = options.access;
    this.startedAt = startedAt;
    const { allowPublicTraffic, maskRequestHost } = options.access.ingress;
    this.trafficAccessToken =
      allowPublicTraffic === false ? trafficToken(sandbox.accessToken) : undefined;
    this.ports = createPorts({
      sandboxId: this.sandboxId,
      token: this.trafficAccessToken,
      accessToken: this.accessToken,
      maskRequestHost,
      open: async (port) => {
        await this.#ready();
        return this.#machine().open(port);
      },
      endpoint: async (port) => {
        await this.#ready();
        return this.#machine().endpoint(port);
      },
    });
    this.run(sandbox);
  }

  /** Marks it as running, for the first time or again. */
  run(sandbox: LocalSandbox): void {
    this.sandbox = sandbox;
    this.#gone = undefined;
    const ended = sandbox.ended.then(() => {
      if (this.sandbox === sandbox) this.stop(sandbox.gone() as EmberboxError | undefined);
    });
    background(ended, warning("Taking note of a sandbox's end"));
  }

  /** Marks it as without a machine, for the reason `gone`: paused, or ended. */
  stop(gone: EmberboxError | undefined): void {
    clearTimeout(this.#timer);
    this.sandbox = undefined;
    this.#gone = gone ?? new EmberboxError("sandbox_closed", "the sandbox was closed");
    if (this.isPaused) return;
    this.ports.close();
    this.#ended.abort(this.#gone);
  }

  #machine(): LocalSandbox {
    if (!this.sandbox) throw this.#gone!;
    return this.sandbox;
  }

  get isPaused(): boolean {
    return this.#gone?.code === "sandbox_paused";
  }

  /** Sets when its time is over. The timer does not keep the program alive: a sandbox ends with its program. */
  endAfter(timeoutMs: number, from: number = Date.now()): void {
    clearTimeout(this.#timer);
    this.endAt = new Date(from + timeoutMs);
    const expire = (): void =>
      background(this.#owner.expired(this, timeoutMs), warning("Ending a sandbox in time"));
    this.#timer = setTimeout(expire, timeoutMs).unref();
  }

  /** Serializes work that changes whether it runs, or that must not overlap with such a change. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    return this.#queue.run(work);
  }

  connection(): SandboxConnection {
    return {
      sandboxId: this.sandboxId,
      accessToken: this.accessToken,
      trafficAccessToken: this.trafficAccessToken,
      ready: () => this.#ready(),
      endpoint: (port) => this.#machine().endpoint(port),
      url: (port) => this.ports.url(port),
      gone: () => {
        if (this.sandbox) return this.sandbox.gone();
        return this.isPaused && this.#autoResumes ? undefined : this.#gone;
      },
      ended: this.#ended.signal,
    };
  }

  get #autoResumes(): boolean {
    return this.options.lifecycle?.autoResume === true;
  }

  /** Resumes it for a request, even one that arrives while it is being paused. */
  async #ready(): Promise<void> {
    if (!this.#autoResumes) return;
    await this.pausing?.catch(() => {});
    if (this.isPaused) await this.#owner.wake(this);
  }

  info(): SandboxInfo {
    return infoOf(this.sandboxId, this.options, this.startedAt, this.endAt, "running");
  }
}

/** Derived from the access token, so that it stays the same without being stored, and does not reveal that token. */
function trafficToken(accessToken: string | undefined): string {
  return createHmac("sha256", accessToken ?? randomBytes(32))
    .update("traffic")
    .digest("hex");
}

export const pausedInfo = (manifest: Manifest): SandboxInfo => ({
  ...infoOf(
    manifest.sandboxId,
    manifest.options,
    new Date(manifest.startedAt),
    new Date(manifest.createdAt),
    "paused",
  ),
  sizeBytes: ownBytes(manifest),
});

function infoOf(
  sandboxId: string,
  options: Omit<ResolvedCreateOptions, "signal" | "access">,
  startedAt: Date,
  endAt: Date,
  state: SandboxInfo["state"],
): SandboxInfo {
  const { template, metadata, cpuCount, memoryMB, diskMB, lifecycle } = options;
  return {
    sandboxId,
    template,
    metadata,
    cpuCount,
    memoryMB,
    diskMB,
    startedAt,
    endAt,
    state,
    ...(lifecycle && { lifecycle }),
  };
}

/** What is saved of an entry besides its machine. Secrets are not. */
export function detailsOf({ options, startedAt, access }: Entry): SandboxDetails {
  const { template, envs, metadata, timeoutMs, lifecycle } = options;
  const kept = { ...shapeOf(options), template, envs, metadata, timeoutMs, lifecycle, access };
  return { startedAt: startedAt.toISOString(), options: kept };
}

export function shapeOf({ memoryMB, cpuCount, diskMB }: Shape): Shape {
  return { memoryMB, cpuCount, diskMB };
}
