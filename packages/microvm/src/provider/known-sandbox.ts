import { createHmac, randomBytes } from "node:crypto";
import type { EmberboxError, SandboxInfo } from "@emberbox/core";
import type { SandboxConnection } from "@emberbox/core/provider";
import { background, warning } from "@emberbox/core/background";
import { Queue } from "@emberbox/core/concurrency";
import type { Access } from "../network/access.ts";
import { createPorts, type Ports } from "../ports/ports.ts";
import type { ResolvedCreateOptions } from "../restore/create-options.ts";
import type { LocalSandbox } from "../restore/sandbox.ts";
import { closed } from "./reasons.ts";
import { describeSandbox } from "./sandbox-info.ts";
import type { Running, SandboxState } from "./sandbox-state.ts";

/** Who has a sandbox run again, and hears of its ends. */
export interface SandboxOwner {
  /** Resumes a paused sandbox for a request. */
  wake(sandbox: KnownSandbox): Promise<void>;
  /** Called when its time is over. */
  expired(sandbox: KnownSandbox, timeoutMs: number): Promise<void>;
  /** Called when it is gone. */
  ended(sandbox: KnownSandbox): void;
}

/** How long a sandbox lives. */
interface Lifetime {
  readonly timeoutMs: number;
  /** When that begins, in milliseconds since 1970. @default now */
  readonly from?: number | undefined;
}

/** A sandbox that this program has, or has paused. */
export class KnownSandbox {
  readonly sandboxId: string;
  #options: ResolvedCreateOptions;
  readonly startedAt: Date;
  readonly accessToken: string | undefined;
  /** The token that requests to the sandbox's own servers must carry; `undefined` when they are public. */
  readonly trafficAccessToken: string | undefined;
  readonly ports: Ports;
  readonly #owner: SandboxOwner;
  #state: SandboxState;
  readonly #ended = new AbortController();
  /** Aborted when another machine takes the place of this one's. */
  #present = new AbortController();
  readonly #queue = new Queue();

  constructor(
    owner: SandboxOwner,
    machine: LocalSandbox,
    options: ResolvedCreateOptions,
    { startedAt, ...lifetime }: Lifetime & { readonly startedAt: Date },
  ) {
    this.#owner = owner;
    this.sandboxId = machine.sandboxId;
    this.accessToken = machine.accessToken;
    this.#options = options;
    this.startedAt = startedAt;
    const { allowPublicTraffic, maskRequestHost } = options.access.ingress;
    this.trafficAccessToken =
      allowPublicTraffic === false ? trafficToken(machine.accessToken) : undefined;
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
    this.#state = this.#runIn(machine, options.access, lifetime);
  }

  get options(): ResolvedCreateOptions {
    return this.#options;
  }

  /** Takes note of what host and sandbox agree on, for the folder that is at a path. */
  keepSynced(guest: string, synced: string): void {
    const workspaces = this.#options.workspaces?.map((each) =>
      each.guest === guest ? { ...each, synced } : each,
    );
    this.#options = { ...this.#options, workspaces };
  }

  /** Takes over what was known of its folders when it was saved. */
  keepWorkspaces(workspaces: ResolvedCreateOptions["workspaces"]): void {
    this.#options = { ...this.#options, workspaces };
  }

  get state(): SandboxState {
    return this.#state;
  }

  /** What it has while it has a machine, which it also has while it is being paused. */
  get running(): Running | undefined {
    return "machine" in this.#state ? this.#state : undefined;
  }

  /** Marks a paused one as running again. */
  resumed(machine: LocalSandbox, access: Access, lifetime: Lifetime): void {
    this.#state = this.#runIn(machine, access, lifetime);
  }

  #runIn(machine: LocalSandbox, access: Access, lifetime: Lifetime): SandboxState {
    this.#watch(machine);
    return { is: "running", machine, access, ...this.#timed(lifetime) };
  }

  #watch(machine: LocalSandbox): void {
    const ended = machine.ended.then(() => {
      if (this.running?.machine === machine) this.end(machine.gone() ?? closed());
    });
    background(ended, warning("Taking note of a sandbox's end"));
  }

  /**
   * Goes on in another machine; calls that are under way in `before` end with `why`. @throws why it ended, if it did
   * meanwhile
   */
  async replace(before: LocalSandbox, machine: LocalSandbox, why: EmberboxError): Promise<void> {
    const state = this.#state;
    if (state.is !== "running" || state.machine !== before) {
      const reason = "why" in state ? state.why : closed();
      await machine.close(reason);
      throw reason;
    }
    this.#state = { ...state, machine };
    this.#watch(machine);
    const past = this.#present;
    this.#present = new AbortController();
    past.abort(why);
    await before.close(why);
  }

  /** Sets when its time is over. The timer does not keep the program alive: a sandbox ends with its program. */
  endAfter(timeoutMs: number): void {
    const state = this.#state;
    if (!("machine" in state)) return;
    clearTimeout(state.timer);
    this.#state = { ...state, ...this.#timed({ timeoutMs }) };
  }

  #timed({ timeoutMs, from = Date.now() }: Lifetime): Pick<Running, "endAt" | "timer"> {
    const expire = (): void =>
      background(this.#owner.expired(this, timeoutMs), warning("Ending a sandbox in time"));
    return { endAt: new Date(from + timeoutMs), timer: setTimeout(expire, timeoutMs).unref() };
  }

  /** Changes what it may reach from now on. */
  allow(access: Access): void {
    if ("machine" in this.#state) this.#state = { ...this.#state, access };
  }

  /** Is being paused while `work` goes on, which calls `paused`. Without that, it keeps running. */
  async pauseBy(work: () => Promise<void>): Promise<void> {
    const settled = work();
    if (this.#state.is === "running") this.#state = { ...this.#state, is: "pausing", settled };
    try {
      await settled;
    } finally {
      if (this.#state.is === "pausing") this.#state = { ...this.#state, is: "running" };
    }
  }

  /** Marks it as saved, for whoever asks for its machine; one that was ended meanwhile stays so. */
  paused(why: EmberboxError): void {
    if (this.#state.is !== "pausing") return;
    const { timer, access, settled } = this.#state;
    clearTimeout(timer);
    this.#state = { is: "paused", why, access, settled };
  }

  /** Marks it as gone. Its machine is the caller's to close. */
  end(why: EmberboxError): void {
    clearTimeout(this.running?.timer);
    this.#state = { is: "gone", why };
    this.ports.close();
    this.#ended.abort(why);
    this.#owner.ended(this);
  }

  #machine(): LocalSandbox {
    if ("machine" in this.#state) return this.#state.machine;
    throw this.#state.why;
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
      endpoint: (port, options) => this.#machine().endpoint(port, options),
      url: (port) => this.ports.url(port),
      gone: () => {
        const state = this.#state;
        if ("machine" in state) return state.machine.gone();
        return state.is === "paused" && this.#autoResumes ? undefined : state.why;
      },
      ended: this.#ended.signal,
      present: () => this.#present.signal,
    };
  }

  get #autoResumes(): boolean {
    return this.options.lifecycle?.autoResume === true;
  }

  /** Resumes it for a request, even one that arrives while it is being paused. */
  async #ready(): Promise<void> {
    if (!this.#autoResumes) return;
    if ("settled" in this.#state) await this.#state.settled.catch(() => {});
    if (this.#state.is === "paused") await this.#owner.wake(this);
  }

  /** What there is to tell of it while it runs. */
  info(): SandboxInfo | undefined {
    const { running, sandboxId, options, startedAt } = this;
    return (
      running &&
      describeSandbox(sandboxId, options, startedAt, running.endAt, "running", running.access)
    );
  }
}

/** Derived from the access token, so that it stays the same without being stored, and does not reveal that token. */
function trafficToken(accessToken: string | undefined): string {
  return createHmac("sha256", accessToken ?? randomBytes(32))
    .update("traffic")
    .digest("hex");
}
