import { createHmac, randomBytes } from "node:crypto";
import { EmberboxError, type SandboxConnection, type SandboxInfo } from "@emberbox/core";
import { background, warning } from "@emberbox/core/background";
import type { Access } from "./network/access.ts";
import type { ResolvedCreateOptions, Shape } from "./options.ts";
import { createPorts, type Ports } from "./ports/ports.ts";
import type { LocalSandbox } from "./sandbox.ts";
import type { Facts } from "./state/engine.ts";
import type { Manifest } from "./state/manifest.ts";
import { ownBytes } from "./state/snapshots.ts";

/** What becomes of an entry is its provider's business. */
export interface EntryOwner {
  /** Resumes a paused one for a request. */
  wake(entry: Entry): Promise<void>;
  /** Its time is over. */
  expired(entry: Entry, timeoutMs: number): Promise<void>;
}

/** A sandbox of this program: it runs, or was paused and may run again, or is gone. */
export class Entry {
  readonly sandboxId: string;
  readonly options: ResolvedCreateOptions;
  readonly startedAt: Date;
  readonly accessToken: string | undefined;
  /** What requests to its own servers must carry, unless anybody may come. */
  readonly trafficAccessToken: string | undefined;
  readonly ports: Ports;
  /** The machine, while there is one. */
  sandbox: LocalSandbox | undefined;
  /** What it may reach now. */
  access: Access;
  endAt: Date = new Date();
  killed = false;
  /** Settles when it is paused, or goes on after all, while it is being paused. */
  pausing: Promise<unknown> | undefined;
  readonly #owner: EntryOwner;
  #timer: NodeJS.Timeout | undefined;
  #gone: EmberboxError | undefined;
  readonly #ended = new AbortController();
  #busy: Promise<unknown> = Promise.resolve();

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

  /** It runs, or runs again. */
  run(sandbox: LocalSandbox): void {
    this.sandbox = sandbox;
    this.#gone = undefined;
    const ended = sandbox.ended.then(() => {
      if (this.sandbox === sandbox) this.stop(sandbox.gone() as EmberboxError | undefined);
    });
    background(ended, warning("Taking note of a sandbox's end"));
  }

  /** It has no machine any more. */
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

  /** A sandbox does not keep its program alive; it ends with it. */
  endAfter(timeoutMs: number, from: number = Date.now()): void {
    clearTimeout(this.#timer);
    this.endAt = new Date(from + timeoutMs);
    const expire = (): void =>
      background(this.#owner.expired(this, timeoutMs), warning("Ending a sandbox in time"));
    this.#timer = setTimeout(expire, timeoutMs).unref();
  }

  /** Does one thing after another that changes whether it runs, or must not overlap with that. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#busy.then(work, work);
    this.#busy = done.catch(() => {});
    return done;
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

  /** Resumes it for a request, also one that comes while it is being paused. */
  async #ready(): Promise<void> {
    if (!this.#autoResumes) return;
    await this.pausing?.catch(() => {});
    if (this.isPaused) await this.#owner.wake(this);
  }

  info(): SandboxInfo {
    return infoOf(this.sandboxId, this.options, this.startedAt, this.endAt, "running");
  }
}

/** The same for as long as the other token is, without being kept; who has it does not have the other. */
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

/** What is kept of an entry beside its machine. Secrets are not. */
export function factsOf({ options, startedAt, access }: Entry): Facts {
  const { template, envs, metadata, timeoutMs, lifecycle } = options;
  const kept = { ...shapeOf(options), template, envs, metadata, timeoutMs, lifecycle, access };
  return { startedAt: startedAt.toISOString(), options: kept };
}

export function shapeOf({ memoryMB, cpuCount, diskMB }: Shape): Shape {
  return { memoryMB, cpuCount, diskMB };
}
