import { background } from "@emberbox/core/background";
import type { SandboxConnection } from "@emberbox/core/provider";
import type { Logger } from "pino";
import { type Metric, measure } from "./measure.ts";

/** How old the last sample of a sandbox becomes, in ms, while clients use it and while they do not. */
const USED_MS = 15_000;
const UNUSED_MS = 60_000;
/** A sample that is not older answers for the present. */
const FRESH_MS = 5_000;
const LOOK_EVERY_MS = 5_000;
/** Of a sandbox: a day without use, or six hours of it. */
const MOST = 1440;

/** The sandboxes that samples are taken of. */
export interface Sampled {
  reached(): readonly string[];
  readonly registry: { isGone(sandboxId: string): boolean };
  running(sandboxId: string): Promise<SandboxConnection | undefined>;
}

/**
 * How busy sandboxes were. A sample is a request to the sandbox's agent, which is little but not nothing: so one that
 * nobody uses is asked once a minute, and one that is paused not at all.
 */
export class Samples {
  readonly #sandboxes: Sampled;
  readonly #log: Logger;
  readonly #taken = new Map<string, Metric[]>();
  readonly #asking = new Map<string, Promise<Metric | undefined>>();
  readonly #triedAt = new Map<string, number>();
  /** Requests to a sandbox that have not ended. */
  readonly #open = new Map<string, number>();
  readonly #used = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(sandboxes: Sampled, log: Logger) {
    this.#sandboxes = sandboxes;
    this.#log = log;
  }

  start(): void {
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS).unref();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.settled();
  }

  /** A client uses the sandbox, until it calls what is returned. */
  use(sandboxId: string): () => void {
    this.#used.add(sandboxId);
    this.#open.set(sandboxId, (this.#open.get(sandboxId) ?? 0) + 1);
    return () => {
      const left = (this.#open.get(sandboxId) ?? 1) - 1;
      if (left > 0) this.#open.set(sandboxId, left);
      else this.#open.delete(sandboxId);
    };
  }

  /** All samples, oldest first, the last of them of now if the sandbox runs. */
  async all(sandboxId: string): Promise<readonly Metric[]> {
    await this.latest(sandboxId);
    return this.#taken.get(sandboxId) ?? [];
  }

  /** Of now. `undefined` for a sandbox that does not run, or does not answer. */
  async latest(sandboxId: string): Promise<Metric | undefined> {
    const age = Date.now() - (this.#triedAt.get(sandboxId) ?? 0);
    const last = this.#taken.get(sandboxId)?.at(-1);
    return last !== undefined && age < FRESH_MS ? last : this.#take(sandboxId);
  }

  /** Resolves when no sandbox is being asked. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#asking.values());
  }

  #look(): void {
    try {
      this.#takeDue();
    } catch (error) {
      this.#log.error({ err: error }, "sandboxes could not be measured");
    }
  }

  #takeDue(): void {
    for (const sandboxId of [...this.#triedAt.keys(), ...this.#used])
      if (this.#sandboxes.registry.isGone(sandboxId)) this.#forget(sandboxId);
    for (const sandboxId of this.#sandboxes.reached()) {
      const isUsed = this.#used.has(sandboxId) || this.#open.has(sandboxId);
      const age = Date.now() - (this.#triedAt.get(sandboxId) ?? 0);
      if (age < (isUsed ? USED_MS : UNUSED_MS)) continue;
      background(this.#take(sandboxId), (error) =>
        this.#log.debug({ sandboxId, err: error }, "a sandbox was not measured"),
      );
    }
  }

  #forget(sandboxId: string): void {
    for (const known of [this.#taken, this.#triedAt, this.#open, this.#used])
      known.delete(sandboxId);
  }

  #take(sandboxId: string): Promise<Metric | undefined> {
    const asking = this.#asking.get(sandboxId) ?? this.#ask(sandboxId);
    this.#asking.set(sandboxId, asking);
    return asking;
  }

  async #ask(sandboxId: string): Promise<Metric | undefined> {
    this.#triedAt.set(sandboxId, Date.now());
    this.#used.delete(sandboxId);
    try {
      const connection = await this.#sandboxes.running(sandboxId);
      if (connection === undefined) return undefined;
      const metric = await measure(connection);
      const taken = this.#taken.get(sandboxId) ?? [];
      taken.push(metric);
      if (taken.length > MOST) taken.shift();
      this.#taken.set(sandboxId, taken);
      return metric;
    } finally {
      this.#asking.delete(sandboxId);
    }
  }
}
