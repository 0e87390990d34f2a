import type { Sandbox } from "@emberbox/core";
import { SharedWork } from "@emberbox/core/concurrency";
import type { SandboxPreStopHook, SnapshotSpec } from "@openai/agents-core/sandbox";
import { providerError } from "./failure.ts";
import type { SessionSandbox } from "./session-sandbox.ts";
import { deleteSnapshot, saveSnapshot } from "./snapshots/snapshots.ts";
import type { EmberboxSessionState } from "./state.ts";

/** What a session's lifecycle works with. */
export interface LifecycleParts extends SessionSandbox {
  readonly state: EmberboxSessionState;
  /** How the session is kept; `undefined` to choose automatically. */
  readonly spec: SnapshotSpec | undefined;
}

/** How a session starts, pauses and ends. Every step can safely be repeated. */
export class Lifecycle {
  readonly #parts: LifecycleParts;
  readonly #stopProcesses: () => Promise<void>;
  readonly #hooks = new Set<SandboxPreStopHook>();
  #paused: Promise<unknown> | undefined;
  readonly #waking = new SharedWork<void>({ keeps: false });
  #ending: Promise<void> | undefined;
  #renewedAt = Date.now();

  constructor(parts: LifecycleParts, stopProcesses: () => Promise<void>) {
    this.#parts = parts;
    this.#stopProcesses = stopProcesses;
  }

  get ended(): boolean {
    return this.#ending !== undefined;
  }

  /** True when something must be kept at the end of a run. */
  get keepsAfterRun(): boolean {
    const { provider, spec } = this.#parts;
    return provider !== undefined && spec !== undefined && spec.type !== "noop";
  }

  /** The sandbox, resumed if it was paused; from time to time this extends its lifetime. */
  async ready(): Promise<Sandbox> {
    const { sandbox } = this.#parts;
    if (this.#paused !== undefined) await this.#waking.get("wake", () => this.#wake());
    this.#renew();
    return sandbox;
  }

  async start(): Promise<void> {
    await this.ready();
  }

  async running(): Promise<boolean> {
    if (this.#paused !== undefined || this.#ending !== undefined) return false;
    return this.#parts.sandbox.gone === undefined && this.#parts.sandbox.isRunning();
  }

  registerPreStopHook(hook: SandboxPreStopHook): () => void {
    this.#hooks.add(hook);
    return () => void this.#hooks.delete(hook);
  }

  /** Runs each hook once. */
  async runPreStopHooks(): Promise<void> {
    for (const hook of this.#hooks) {
      this.#hooks.delete(hook);
      await hook();
    }
  }

  async stop(): Promise<void> {
    if (this.#paused === undefined && this.#ending === undefined) await this.#stopProcesses();
  }

  async shutdown(): Promise<void> {
    await (this.#ending ??= this.#end());
  }

  /** Ends the session, and deletes what was kept only for a wait; snapshots that were asked for stay. */
  async delete(): Promise<void> {
    await this.shutdown();
    const { state, provider, spec } = this.#parts;
    if (state.snapshotAutomatic !== true || !state.snapshot || provider === undefined) return;
    await deleteSnapshot(state.snapshot, provider, spec);
    state.snapshot = null;
    delete state.snapshotAutomatic;
  }

  /**
   * Makes the session outlive this program: while a run waits, at its end when a snapshot was asked for, or since the
   * program asked, in which case it outlives `delete`, too.
   */
  async keep(why: "wait" | "end" | "asked"): Promise<void> {
    const { sandbox, provider, state, spec } = this.#parts;
    if (provider === undefined || this.#ending !== undefined) return;
    if (why === "asked") await this.ready();
    if (this.#paused !== undefined) return;
    if (spec !== undefined) {
      if (spec.type !== "noop") await saveSnapshot(sandbox, provider, state, spec);
    } else if (why === "wait" && provider.capabilities.pause) {
      this.#paused = sandbox.pause();
      await this.#paused.catch((error: unknown) => {
        this.#paused = undefined;
        throw providerError(error, "pause");
      });
    } else if (why !== "end") {
      await saveSnapshot(sandbox, provider, state, { type: "local" });
      if (why === "wait") state.snapshotAutomatic = true;
      else delete state.snapshotAutomatic;
    }
  }

  async #wake(): Promise<void> {
    try {
      await this.#paused;
      await this.#parts.sandbox.connect({ timeoutMs: this.#parts.lifetimeMs });
      this.#paused = undefined;
    } catch (error) {
      throw providerError(error, "resume");
    }
  }

  async #end(): Promise<void> {
    const { provider, sandbox } = this.#parts;
    if (provider === undefined) return;
    try {
      await provider.kill(sandbox.sandboxId);
    } catch (error) {
      this.#ending = undefined;
      throw providerError(error, "shutdown");
    }
  }

  #renew(): void {
    const { sandbox, provider, lifetimeMs } = this.#parts;
    if (!provider?.capabilities.setTimeout || Date.now() - this.#renewedAt < lifetimeMs / 10)
      return;
    this.#renewedAt = Date.now();
    // On a failure it lives on for a while, and the next call tries again.
    sandbox.setTimeout(lifetimeMs).catch(() => {});
  }
}
