import { SharedWork } from "../concurrency/shared-work.ts";
import { untilAborted } from "../concurrency/until-aborted.ts";
import { EmberboxError } from "../errors.ts";
import type { SandboxProvider } from "../provider.ts";
import type { CheckedCreateOptions } from "../sandbox-options.ts";
import { Sandbox } from "../sandbox.ts";
import { copyAt } from "./copy-at.ts";
import type { ConversationPlace, SandboxPosition } from "./position.ts";
import { noCheckpoint } from "./put-at.ts";
import { queueOf } from "./sandbox-queue.ts";
import { BEGINNING, type Trail } from "./trail.ts";

/** What a session needs from its owner. */
export interface SessionHost {
  /** How sandboxes are created. They live for `lifetimeMs` after their last use. */
  readonly create: Omit<CheckedCreateOptions, "signal" | "provider">;
  readonly lifetimeMs: number;
  readonly renews: boolean;
  /** How calls leave checkpoints behind, if they do. */
  trail(): Trail | undefined;
  provider(): Promise<SandboxProvider>;
  /** Resolves once another sandbox may run. */
  slot(session: Session, signal: AbortSignal): Promise<void>;
  /** Frees the slot. */
  free(session: Session): void;
  report(error: unknown): void;
}

const START = "start";

/**
 * The sandbox of one conversation: created on first use, once for everyone who waits for it, and replaced when it dies.
 */
export class Session {
  readonly #host: SessionHost;
  readonly #labels: (agent: string | undefined) => Readonly<Record<string, string>>;
  #sandbox: Sandbox | undefined;
  readonly #start = new SharedWork<Sandbox>({ keeps: false });
  /** Settles when a start that was stopped has ended. */
  #stopping: Promise<void> | undefined;
  #ending: Promise<void> = Promise.resolve();
  #pausedId: string | undefined;
  /** Others that are paused, from which the conversation went back. */
  readonly #left = new Set<string>();
  /** Settles when the sandbox that is being left has been. */
  #leaving: Promise<void> | undefined;
  #renewedAt = 0;
  /** Why the state of earlier calls is gone; the next call reports it, once. */
  lost: string | undefined;
  /** True when the sandbox that was lost came back as it was at its last checkpoint. */
  recovered = false;
  readonly trail: Trail | undefined;
  /** What the next sandbox is made of. */
  #origin: SandboxPosition | undefined;
  /** True when the conversation says that it was in a sandbox of which none may be made here. */
  #isStrange = false;
  /** The agent that asked first. */
  agent: string | undefined;
  users = 0;
  usedAt: number = Date.now();
  timer: NodeJS.Timeout | undefined;

  constructor(
    host: SessionHost,
    labels: (agent: string | undefined) => Readonly<Record<string, string>> = () => ({}),
  ) {
    this.#host = host;
    this.trail = host.trail();
    this.#labels = labels;
  }

  get sandboxId(): string | undefined {
    return this.#sandbox?.sandboxId ?? this.#pausedId;
  }

  /** The current sandbox, if any. */
  get current(): Sandbox | undefined {
    return this.#sandbox;
  }

  /** True while it is being ended. */
  resting = false;

  get runs(): boolean {
    return this.#sandbox !== undefined || this.#start.going().size > 0;
  }

  /**
   * Gets the sandbox, starting it if need be. An abort ends this wait only; the start goes on while others wait for it.
   */
  async sandbox(
    signal: AbortSignal | undefined,
    place?: ConversationPlace,
    toolCallId?: string,
  ): Promise<Sandbox> {
    const sandbox = await this.#any(signal, place);
    const target = this.trail?.target(place, toolCallId);
    const targetId = target === BEGINNING ? undefined : target?.sandboxId;
    if (target === undefined || targetId === sandbox.sandboxId) return sandbox;
    if (target !== BEGINNING) await this.#mustBeThere(target, signal);
    // Once for all calls that go to the same place.
    this.#leaving ??= this.#leave(sandbox, targetId).finally(() => {
      this.#leaving = undefined;
    });
    await untilAborted(this.#leaving, signal);
    return this.sandbox(signal, place, toolCallId);
  }

  /** @throws `checkpoint_not_found` */
  async #mustBeThere(
    { sandboxId, checkpointId }: SandboxPosition,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const provider = await this.#host.provider();
    const there = await Sandbox.history(sandboxId, { provider, signal });
    if (!there.some((each) => each.checkpointId === checkpointId)) throw noCheckpoint(checkpointId);
  }

  async #any(signal: AbortSignal | undefined, place?: ConversationPlace): Promise<Sandbox> {
    while (this.#stopping !== undefined) await untilAborted(this.#stopping, signal);
    const gone = this.#sandbox?.gone;
    if (gone !== undefined) this.#takeNote(this.#sandbox!, gone);
    if (this.#sandbox !== undefined) return this.#renew(this.#sandbox);
    this.#origin = this.trail?.origin(place);
    this.#isStrange = this.trail !== undefined && Boolean(place?.at) && this.#origin === undefined;
    return this.#start.get(START, (stop) => this.#obtain(stop), signal);
  }

  /**
   * Pauses a sandbox other than the one that the conversation went back to, so that its checkpoints stay, and goes on
   * in that one if it was left before.
   */
  async #leave(sandbox: Sandbox, targetId: string | undefined): Promise<void> {
    await queueOf(sandbox).run(async () => {
      if (this.#sandbox === sandbox) await sandbox.checkpoint({ label: "before going back" });
    });
    if (this.#sandbox !== sandbox) return;
    await this.end({ pause: true, reason: "the conversation went back" });
    this.lost = undefined;
    if (this.#pausedId === sandbox.sandboxId) {
      this.#left.add(sandbox.sandboxId);
      this.#pausedId = undefined;
    }
    if (targetId === undefined || !this.#left.delete(targetId)) return;
    this.#pausedId = targetId;
    this.trail?.leave();
  }

  /** Records that the sandbox is gone: the next call gets another one and is told so. */
  forget(sandbox: Sandbox | undefined, reason: unknown): void {
    if (sandbox === undefined || this.#sandbox !== sandbox) return;
    this.#sandbox = undefined;
    this.lost = reasonText(reason);
    this.#host.free(this);
  }

  /** Handles a sandbox that is gone: one that was paused from outside will be resumed, any other is replaced. */
  #takeNote(sandbox: Sandbox, gone: Error): void {
    const paused = EmberboxError.isInstance(gone) && gone.code === "sandbox_paused";
    this.forget(sandbox, gone);
    if (!paused) return;
    this.lost = undefined;
    this.#pausedId = sandbox.sandboxId;
  }

  /** Ends the sandbox; `how` says whether it is saved to disk, and why it ends. */
  end(how: { readonly pause: boolean; readonly reason: string }): Promise<void> {
    if (this.#start.going().size > 0) this.#stopping = this.#stop();
    const stopping = this.#stopping;
    const sandbox = this.#sandbox;
    this.#sandbox = undefined;
    const before = this.#ending;
    this.resting = true;
    this.#ending = (async () => {
      await before;
      await stopping;
      if (sandbox !== undefined) await this.#endOne(sandbox, how);
      this.resting = false;
    })();
    return this.#ending;
  }

  async #stop(): Promise<void> {
    await this.#start.stop(START, new EmberboxError("sandbox_closed", "The session was closed"));
    this.#stopping = undefined;
  }

  /** Ends the session for good, also killing paused sandboxes. */
  async discard(reason: string): Promise<void> {
    await this.end({ pause: false, reason });
    const ids = [...this.#left, ...(this.#pausedId === undefined ? [] : [this.#pausedId])];
    this.#left.clear();
    this.#pausedId = undefined;
    if (ids.length === 0) return;
    const provider = await this.#host.provider();
    for (const id of ids)
      await provider.kill(id).catch((error: unknown) => this.#host.report(error));
  }

  async #obtain(signal: AbortSignal): Promise<Sandbox> {
    await untilAborted(this.#ending, signal);
    // A caller that waited for an abandoned start to end may find that another was quicker.
    if (this.#sandbox !== undefined) return this.#sandbox;
    await this.#host.slot(this, signal);
    try {
      const provider = await this.#host.provider();
      const resumed = await this.#resume(provider, signal);
      const sandbox = resumed ?? (await this.#make(provider, signal));
      if (signal.aborted) await this.#takeBack(sandbox, resumed !== undefined);
      signal.throwIfAborted();
      this.#sandbox = sandbox;
      this.#renewedAt = Date.now();
      return sandbox;
    } catch (error) {
      this.#host.free(this);
      throw error;
    }
  }

  /** Makes a sandbox of the checkpoint at which the conversation is, or an empty one. */
  async #make(provider: SandboxProvider, signal: AbortSignal): Promise<Sandbox> {
    const origin = this.#origin;
    this.recovered = false;
    const branch = origin && (await this.#branch(provider, origin, signal));
    this.recovered = branch !== undefined;
    this.trail?.restart(origin);
    if (this.#isStrange) this.lost ??= "it was another program's, or another conversation's";
    return branch ?? this.#create(provider, signal);
  }

  async #branch(
    provider: SandboxProvider,
    position: SandboxPosition,
    signal: AbortSignal,
  ): Promise<Sandbox | undefined> {
    try {
      const { timeoutMs = this.#host.lifetimeMs, audit } = this.#host.create;
      return await copyAt(position, { provider, timeoutMs, audit, signal });
    } catch (error) {
      if (signal.aborted || !isNoMore(error)) throw error;
      this.#host.report(error);
      this.lost = "neither it nor its checkpoint is there any more";
      return undefined;
    }
  }

  #create(provider: SandboxProvider, signal: AbortSignal): Promise<Sandbox> {
    const { create, lifetimeMs } = this.#host;
    const metadata = { ...this.#labels(this.agent), ...create.metadata };
    const labelled = Object.keys(metadata).length > 0 ? { ...create, metadata } : create;
    return Sandbox.create({ timeoutMs: lifetimeMs, ...labelled, provider, signal });
  }

  async #resume(provider: SandboxProvider, signal: AbortSignal): Promise<Sandbox | undefined> {
    const id = this.#pausedId;
    if (id === undefined) return undefined;
    try {
      const { timeoutMs = this.#host.lifetimeMs, audit } = this.#host.create;
      const sandbox = await Sandbox.connect(id, { provider, timeoutMs, signal, audit });
      this.#pausedId = undefined;
      return sandbox;
    } catch (error) {
      if (signal.aborted || !isGoneForGood(error)) throw error;
      this.#host.report(error);
      this.#pausedId = undefined;
      this.lost = "it was paused, and what was kept of it is gone or cannot be used";
      return undefined;
    }
  }

  /** Pauses or kills a sandbox that arrived after everyone had stopped waiting. */
  async #takeBack(sandbox: Sandbox, wasPaused: boolean): Promise<void> {
    if (wasPaused && (await this.#pause(sandbox))) return;
    await sandbox.kill().catch((error: unknown) => this.#host.report(error));
  }

  async #endOne(sandbox: Sandbox, how: { pause: boolean; reason: string }): Promise<void> {
    try {
      if (how.pause && (await this.#pause(sandbox))) return;
      this.lost = how.reason;
      await sandbox.kill();
    } catch (error) {
      this.#host.report(error);
    } finally {
      this.#host.free(this);
    }
  }

  /** Resolves to true when the sandbox is now on disk. */
  async #pause(sandbox: Sandbox): Promise<boolean> {
    const provider = await this.#host.provider();
    if (!provider.capabilities.pause) return false;
    try {
      await provider.pause?.(sandbox.sandboxId);
      this.#pausedId = sandbox.sandboxId;
      return true;
    } catch (error) {
      this.#host.report(error);
      return false;
    }
  }

  /** Extends the sandbox's lifetime, but not on every call. */
  async #renew(sandbox: Sandbox): Promise<Sandbox> {
    const { renews, lifetimeMs } = this.#host;
    if (!renews || Date.now() - this.#renewedAt < lifetimeMs / 10) return sandbox;
    this.#renewedAt = Date.now();
    const provider = await this.#host.provider();
    if (!provider.capabilities.setTimeout) return sandbox;
    await sandbox.setTimeout(lifetimeMs).catch((error: unknown) => this.#host.report(error));
    return sandbox;
  }
}

function reasonText(reason: unknown): string {
  if (!EmberboxError.isInstance(reason)) return "it ended";
  if (reason.code === "sandbox_died") return "its machine ended unexpectedly";
  return "it was closed, or reached the end of its lifetime";
}

/** True for errors after which nothing can ever be made of a checkpoint. */
function isNoMore(error: unknown): boolean {
  if (!EmberboxError.isInstance(error)) return false;
  return error.code === "checkpoint_not_found" || isGoneForGood(error);
}

/** True for errors after which a paused sandbox can never be resumed. One that died while resuming is still on disk. */
function isGoneForGood(error: unknown): error is EmberboxError {
  return EmberboxError.isInstance(error) && error.kind === "lost" && error.code !== "sandbox_died";
}
