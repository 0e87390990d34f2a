import { EmberboxError, type SandboxInfo } from "@emberbox/core";
import type { NetworkCeiling } from "@emberbox/core/network";
import { background, notifier, warning } from "@emberbox/core/background";
import { SharedWork } from "@emberbox/core/concurrency";
import type { ResolvedCreateOptions } from "../restore/create-options.ts";
import type { LocalSandbox } from "../restore/sandbox.ts";
import type { PausedStore } from "../saved/paused.ts";
import type { Engine } from "./engine.ts";
import { detailsOf, Entry, type EntryOwner, pausedInfo } from "./entry.ts";

/** Lifetime of a resumed sandbox when none is given, in ms. */
export const RESUMED_MS = 300_000;
/** How long after a failed pause at the end of a sandbox's time it is tried again, in ms. */
const AGAIN_MS = 30_000;

export interface EntriesOptions {
  /** @throws `sandbox_closed` once the provider is closed */
  readonly open: () => Engine;
  readonly paused: PausedStore;
  readonly onProgress?: ((step: string) => void) | undefined;
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

/** The sandboxes of a program: those that are running, and the paused ones that it knows. */
export class Entries implements EntryOwner {
  readonly #options: EntriesOptions;
  readonly #onProgress: (step: string) => void;
  readonly #entries = new Map<string, Entry>();
  readonly #resuming = new SharedWork<Entry>({ keeps: false });
  #closed = false;

  constructor(options: EntriesOptions) {
    this.#options = options;
    this.#onProgress = notifier("onProgress", options.onProgress);
  }

  running(sandboxId: string): Entry | undefined {
    const entry = this.#entries.get(sandboxId);
    return entry?.sandbox ? entry : undefined;
  }

  /** All running and paused sandboxes, each once, even if they change meanwhile. */
  async list(): Promise<SandboxInfo[]> {
    const found = new Map<string, SandboxInfo>();
    const add = (infos: SandboxInfo[]): void => {
      for (const info of infos) found.set(info.sandboxId, info);
    };
    add(this.#allRunning());
    add((await this.#options.paused.list()).map(pausedInfo));
    add(this.#allRunning());
    // For a moment, one that is being resumed is neither.
    const between = [...this.#resuming.going()].filter(([sandboxId]) => !found.has(sandboxId));
    await Promise.all(
      between.map(([, resumed]) => resumed.then((entry) => add([entry.info()])).catch(() => {})),
    );
    return [...found.values()];
  }

  /** @throws `sandbox_not_found` */
  async info(sandboxId: string): Promise<SandboxInfo> {
    const info = await this.#find(sandboxId);
    if (info) return info;
    await this.#resuming
      .going()
      .get(sandboxId)
      ?.catch(() => {});
    const resumed = await this.#find(sandboxId);
    if (resumed) return resumed;
    throw await this.notRunning(sandboxId);
  }

  async #find(sandboxId: string): Promise<SandboxInfo | undefined> {
    const entry = this.running(sandboxId);
    if (entry) return entry.info();
    const manifest = await this.#options.paused.find(sandboxId);
    return manifest && pausedInfo(manifest);
  }

  #allRunning(): SandboxInfo[] {
    return [...this.#entries.values()]
      .filter(({ sandbox }) => sandbox)
      .map((entry) => entry.info());
  }

  /** The error for a sandbox that is not running: paused, or not found. */
  async notRunning(sandboxId: string): Promise<EmberboxError> {
    return (await this.#options.paused.find(sandboxId))
      ? pausedError(sandboxId)
      : new EmberboxError(
          "sandbox_not_found",
          `no sandbox \`${sandboxId}\` is running in this program, and none is paused`,
        );
  }

  /** Does work with a running sandbox. @throws `sandbox_not_found`, `sandbox_paused` */
  async withRunning<T>(
    sandboxId: string,
    work: (entry: Entry, sandbox: LocalSandbox) => Promise<T>,
  ): Promise<T> {
    const entry = this.running(sandboxId);
    if (!entry) throw await this.notRunning(sandboxId);
    return entry.exclusively(async () => {
      if (!entry.sandbox) throw await this.notRunning(sandboxId);
      return work(entry, entry.sandbox);
    });
  }

  /** Registers a machine that has just started. @throws `sandbox_closed` when the provider is closed */
  async add(sandbox: LocalSandbox, options: ResolvedCreateOptions): Promise<Entry> {
    await this.#refuseClosed(sandbox);
    const entry = new Entry(this, sandbox, options);
    return this.#keep(entry, options.timeoutMs, entry.startedAt.getTime());
  }

  /** @throws `sandbox_not_found`, `sandbox_paused` */
  pause(sandboxId: string, options: PauseOptions): Promise<void> {
    return this.withRunning(sandboxId, (entry, sandbox) => {
      const pausing = this.#pause(entry, sandbox, options).finally(
        () => (entry.pausing = undefined),
      );
      entry.pausing = pausing;
      return pausing;
    });
  }

  async #pause(
    entry: Entry,
    sandbox: LocalSandbox,
    { keepMemory, signal }: PauseOptions,
  ): Promise<void> {
    const { open, paused } = this.#options;
    const { sandboxId } = entry;
    await open().state.pause(sandbox, detailsOf(entry), { keepMemory, signal });
    const reason = pausedError(sandboxId);
    entry.stop(reason);
    await sandbox.close(reason);
    if (entry.killed) await paused.delete(sandboxId);
  }

  /** Waits until any change of whether it runs is complete, such as a pause in progress. */
  async settled(sandboxId: string): Promise<void> {
    await this.#entries.get(sandboxId)?.exclusively(async () => {});
  }

  /**
   * Resumes a paused sandbox; concurrent callers get the same one. It stays paused when all of them stop waiting.
   * @throws `sandbox_not_found`
   */
  resume(sandboxId: string, { signal, ...options }: ResumeOptions): Promise<Entry> {
    const begin = (stop: AbortSignal): Promise<Entry> =>
      this.#resume(sandboxId, { ...options, signal: stop });
    return this.#resuming.get(sandboxId, begin, signal);
  }

  async #resume(
    sandboxId: string,
    { timeoutMs, reboot = false, networkCeiling, signal }: ResumeOptions,
  ): Promise<Entry> {
    const known = this.#entries.get(sandboxId);
    const { state } = this.#options.open();
    const { access } = known ?? {};
    const resumed = await state.resume(sandboxId, { reboot, access, networkCeiling, signal });
    if (!resumed) throw await this.notRunning(sandboxId);
    const { sandbox, details } = resumed;
    await this.#refuseClosed(sandbox);
    if (known) {
      known.access = details.options.access;
      known.run(sandbox);
    }
    const startedAt = new Date(details.startedAt);
    return this.#keep(known ?? new Entry(this, sandbox, details.options, startedAt), timeoutMs);
  }

  /** Kills a running or paused sandbox. False when there was none. */
  async kill(sandboxId: string): Promise<boolean> {
    const reason = new EmberboxError("sandbox_closed", "the sandbox was killed");
    await this.#resuming.stop(sandboxId, reason);
    const entry = this.#entries.get(sandboxId);
    const wasRunning = entry?.sandbox !== undefined;
    if (entry) {
      entry.killed = true;
      await this.#close(entry, reason);
      // Work in progress with it fails now.
      await entry.exclusively(async () => {});
    }
    const wasPaused = await this.#options.paused.delete(sandboxId);
    return wasRunning || wasPaused;
  }

  /** Ends all sandboxes that are running, and all that start from now on. */
  async close(): Promise<void> {
    this.#closed = true;
    const reason = closedError();
    await Promise.all([
      ...[...this.#resuming.going().keys()].map((each) => this.#resuming.stop(each, reason)),
      ...[...this.#entries.values()].map(async (entry) => {
        await this.#close(entry, reason);
        // Work in progress with it fails now, and leaves nothing behind.
        await entry.exclusively(async () => {});
      }),
    ]);
  }

  async wake({ sandboxId, options }: Entry): Promise<void> {
    await this.resume(sandboxId, { timeoutMs: Math.max(options.timeoutMs, RESUMED_MS) });
  }

  async expired(entry: Entry, timeoutMs: number): Promise<void> {
    const { onTimeout, keepMemory = true } = entry.options.lifecycle ?? {};
    if (onTimeout !== "pause") {
      const reason = `the sandbox reached the end of its ${timeoutMs} ms`;
      return this.#close(entry, new EmberboxError("sandbox_closed", reason));
    }
    try {
      await this.pause(entry.sandboxId, { keepMemory });
    } catch (error) {
      if (!entry.sandbox) return;
      // Ending it would lose it: it keeps running until it can be paused.
      entry.endAfter(AGAIN_MS);
      this.#onProgress(`a sandbox could not be paused: ${(error as Error).message}`);
    }
  }

  #keep(entry: Entry, timeoutMs: number, from?: number): Entry {
    this.#entries.set(entry.sandboxId, entry);
    entry.endAfter(timeoutMs, from);
    const ended = entry.sandbox?.ended.then(() => {
      // A paused one is kept: when it is resumed, those who hold it use it again.
      if (!entry.sandbox && !entry.isPaused) this.#entries.delete(entry.sandboxId);
    });
    if (ended) background(ended, warning("Forgetting a sandbox that ended"));
    return entry;
  }

  async #close(entry: Entry, reason: EmberboxError): Promise<void> {
    this.#entries.delete(entry.sandboxId);
    const { sandbox } = entry;
    entry.stop(reason);
    await sandbox?.close(reason);
  }

  async #refuseClosed(sandbox: LocalSandbox): Promise<void> {
    if (!this.#closed) return;
    const reason = closedError();
    await sandbox.close(reason);
    throw reason;
  }
}

export function closedError(): EmberboxError {
  return new EmberboxError("sandbox_closed", "this provider was closed");
}

function pausedError(sandboxId: string): EmberboxError {
  return new EmberboxError("sandbox_paused", `the sandbox \`${sandboxId}\` is paused`);
}
