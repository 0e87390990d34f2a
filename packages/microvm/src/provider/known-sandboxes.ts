import type { EmberboxError, SandboxInfo } from "@emberbox/core";
import type { NetworkCeiling } from "@emberbox/core/network";
import { notifier } from "@emberbox/core/background";
import { SharedWork } from "@emberbox/core/concurrency";
import type { ResolvedCreateOptions } from "../restore/create-options.ts";
import type { LocalSandbox } from "../restore/sandbox.ts";
import type { CheckpointStore } from "../saved/checkpoints.ts";
import type { PausedStore } from "../saved/paused.ts";
import type { Engine } from "./engine.ts";
import { KnownSandbox, type SandboxOwner } from "./known-sandbox.ts";
import { findSandbox, listSandboxes, type Whereabouts } from "./listing.ts";
import { isPaused, killed, notRunning, providerClosed, timeIsOver } from "./reasons.ts";
import { detailsOf } from "./sandbox-info.ts";
import type { Running } from "./sandbox-state.ts";

/** Lifetime of a resumed sandbox when none is given, in ms. */
export const RESUMED_MS = 300_000;
/** How long after a failed pause at the end of a sandbox's time it is tried again, in ms. */
const AGAIN_MS = 30_000;

export interface KnownSandboxesOptions {
  /** @throws `sandbox_closed` once the provider is closed */
  readonly open: () => Engine;
  readonly paused: PausedStore;
  readonly checkpoints: CheckpointStore;
  readonly onProgress?: ((step: string) => void) | undefined;
  /** Called with every sandbox that runs from now on. */
  readonly onRuns?: (() => void) | undefined;
}

interface PauseOptions {
  readonly keepMemory: boolean;
  readonly signal?: AbortSignal | undefined;
}

interface ResumeOptions {
  readonly timeoutMs: number;
  readonly reboot?: boolean | undefined;
  readonly networkCeiling?: NetworkCeiling | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The sandboxes of a program: those that are running, and the paused ones that it has had. */
export class KnownSandboxes implements SandboxOwner {
  readonly #open: () => Engine;
  readonly #paused: PausedStore;
  readonly #checkpoints: CheckpointStore;
  readonly #onProgress: (step: string) => void;
  readonly #known = new Map<string, KnownSandbox>();
  readonly #resuming = new SharedWork<KnownSandbox>({ keeps: false });
  readonly #where: Whereabouts;
  readonly #onRuns: (() => void) | undefined;
  #closed = false;

  constructor({ open, paused, checkpoints, onProgress, onRuns }: KnownSandboxesOptions) {
    this.#onRuns = onRuns;
    this.#open = open;
    this.#paused = paused;
    this.#checkpoints = checkpoints;
    this.#onProgress = notifier("onProgress", onProgress);
    this.#where = { known: this.#known, resuming: this.#resuming, paused };
  }

  running(sandboxId: string): KnownSandbox | undefined {
    const known = this.#known.get(sandboxId);
    return known?.running && known;
  }

  /** Running, or paused by this program. */
  known(sandboxId: string): KnownSandbox | undefined {
    return this.#known.get(sandboxId);
  }

  list(): Promise<SandboxInfo[]> {
    return listSandboxes(this.#where);
  }

  /** Of those that this program runs. */
  runningInfos(): SandboxInfo[] {
    return [...this.#known.values()]
      .map((known) => known.info())
      .filter((info) => info !== undefined);
  }

  /** @throws `sandbox_not_found` */
  async info(sandboxId: string): Promise<SandboxInfo> {
    const info = await findSandbox(this.#where, sandboxId);
    if (info) return info;
    throw await notRunning(this.#paused, sandboxId);
  }

  /** Does work with a running sandbox. @throws `sandbox_not_found`, `sandbox_paused` */
  async withRunning<T>(
    sandboxId: string,
    work: (sandbox: KnownSandbox, running: Running) => Promise<T>,
  ): Promise<T> {
    const known = this.running(sandboxId);
    if (!known) throw await notRunning(this.#paused, sandboxId);
    return known.exclusively(async () => {
      if (!known.running) throw await notRunning(this.#paused, sandboxId);
      return work(known, known.running);
    });
  }

  /** Takes a machine that has just started. @throws `sandbox_closed` when the provider is closed */
  async add(machine: LocalSandbox, options: ResolvedCreateOptions): Promise<KnownSandbox> {
    await this.#refuseClosed(machine);
    const startedAt = new Date();
    const lifetime = { timeoutMs: options.timeoutMs, from: startedAt.getTime() };
    return this.#keep(new KnownSandbox(this, machine, options, { ...lifetime, startedAt }));
  }

  /** @throws `sandbox_not_found`, `sandbox_paused` */
  pause(sandboxId: string, { keepMemory, signal }: PauseOptions): Promise<void> {
    return this.withRunning(sandboxId, (known, { machine, access }) =>
      known.pauseBy(async () => {
        const details = detailsOf(known, access);
        await this.#open().state.pause(machine, details, { keepMemory, signal });
        const reason = isPaused(sandboxId);
        known.paused(reason);
        await machine.close(reason);
      }),
    );
  }

  /** Waits until any change of whether it runs is complete, such as a pause in progress. */
  async settled(sandboxId: string): Promise<void> {
    await this.#known.get(sandboxId)?.exclusively(async () => {});
  }

  /**
   * Resumes a paused sandbox; concurrent callers get the same one. It stays paused when all of them stop waiting.
   * @throws `sandbox_not_found`
   */
  resume(sandboxId: string, { signal, ...options }: ResumeOptions): Promise<KnownSandbox> {
    const begin = (stop: AbortSignal): Promise<KnownSandbox> =>
      this.#resume(sandboxId, { ...options, signal: stop });
    return this.#resuming.get(sandboxId, begin, signal);
  }

  async #resume(
    sandboxId: string,
    { timeoutMs, reboot = false, networkCeiling, signal }: ResumeOptions,
  ): Promise<KnownSandbox> {
    const known = this.#known.get(sandboxId);
    const { state } = this.#open();
    const access = known?.state.is === "gone" ? undefined : known?.state.access;
    const resumed = await state.resume(sandboxId, { reboot, access, networkCeiling, signal });
    if (!resumed) throw await notRunning(this.#paused, sandboxId);
    const { sandbox: machine, details } = resumed;
    await this.#refuseClosed(machine);
    await this.#checkpoints.adopt(sandboxId);
    if (known?.state.is === "paused") {
      known.keepWorkspaces(details.options.workspaces);
      known.resumed(machine, details.options.access, { timeoutMs });
      return known;
    }
    const startedAt = new Date(details.startedAt);
    return this.#keep(new KnownSandbox(this, machine, details.options, { timeoutMs, startedAt }));
  }

  /** Kills a running or paused sandbox. False when there was none. */
  async kill(sandboxId: string): Promise<boolean> {
    const reason = killed();
    await this.#resuming.stop(sandboxId, reason);
    const known = this.#known.get(sandboxId);
    const wasRunning = known?.running !== undefined;
    if (known) await this.#endAndSettle(known, reason);
    // A pause in progress may have saved it all the same.
    const wasPaused = await this.#paused.delete(sandboxId);
    const was = wasRunning || wasPaused;
    if (was) await this.#checkpoints.clear(sandboxId);
    return was;
  }

  /** Ends all sandboxes that are running, and all that start from now on. */
  async close(): Promise<void> {
    this.#closed = true;
    const reason = providerClosed();
    await Promise.all([
      ...[...this.#resuming.going().keys()].map((each) => this.#resuming.stop(each, reason)),
      ...[...this.#known.values()].map((known) => this.#endForGood(known, reason)),
    ]);
  }

  async wake({ sandboxId, options }: KnownSandbox): Promise<void> {
    await this.resume(sandboxId, { timeoutMs: Math.max(options.timeoutMs, RESUMED_MS) });
  }

  async expired(known: KnownSandbox, timeoutMs: number): Promise<void> {
    const { onTimeout, keepMemory = true } = known.options.lifecycle ?? {};
    if (onTimeout !== "pause") return this.#endForGood(known, timeIsOver(timeoutMs));
    try {
      await this.pause(known.sandboxId, { keepMemory });
    } catch (error) {
      if (!known.running) return;
      // Ending it would lose it: it keeps running until it can be paused.
      known.endAfter(AGAIN_MS);
      this.#onProgress(`a sandbox could not be paused: ${(error as Error).message}`);
    }
  }

  /** A paused one stays known: when it is resumed, those who hold it use it again. */
  ended(known: KnownSandbox): void {
    if (this.#known.get(known.sandboxId) === known) this.#known.delete(known.sandboxId);
  }

  #keep(known: KnownSandbox): KnownSandbox {
    this.#known.set(known.sandboxId, known);
    this.#onRuns?.();
    return known;
  }

  async #end(known: KnownSandbox, reason: EmberboxError): Promise<void> {
    const { running } = known;
    known.end(reason);
    await running?.machine.close(reason);
  }

  /** Work in progress with it fails, and has left nothing behind in the end. */
  async #endAndSettle(known: KnownSandbox, reason: EmberboxError): Promise<void> {
    await this.#end(known, reason);
    await known.exclusively(async () => {});
  }

  /** Its checkpoints go with it. They stay where its machine or its program died, so that its work can be had back. */
  async #endForGood(known: KnownSandbox, reason: EmberboxError): Promise<void> {
    const { sandboxId, running } = known;
    await this.#endAndSettle(known, reason);
    if (running && !(await this.#paused.has(sandboxId))) await this.#checkpoints.clear(sandboxId);
  }

  async #refuseClosed(machine: LocalSandbox): Promise<void> {
    if (!this.#closed) return;
    const reason = providerClosed();
    await machine.close(reason);
    throw reason;
  }
}
