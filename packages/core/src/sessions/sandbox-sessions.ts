import { z } from "zod";
import { background, notifier } from "../background.ts";
import { EmberboxError } from "../errors.ts";
import {
  callback,
  type FieldsOf,
  milliseconds,
  parseOptions,
  positiveInteger,
} from "../options.ts";
import type { SandboxProvider, SignalOptions } from "../provider.ts";
import type { Sandbox } from "../sandbox.ts";
import { type CallCheckpoints, callCheckpoints, keepOf } from "./call-checkpoints.ts";
import { labelsOf } from "./labels.ts";
import { loudly } from "./loudly.ts";
import { queueOf } from "./sandbox-queue.ts";
import type { ConversationPlace, SandboxPosition } from "./position.ts";
import { Session, type SessionHost } from "./session.ts";
import { resolveSource, type ResolvedSource, type SandboxSource } from "./source.ts";
import { Trail } from "./trail.ts";
import { untilAborted } from "../concurrency/until-aborted.ts";

/** How long conversations keep their sandboxes, and how many there may be. */
export interface SandboxSessionsOptions {
  /** How long an idle conversation keeps its sandbox, in milliseconds; 0 for ever. @default 900_000 */
  readonly idleTimeoutMs?: number | undefined;
  /**
   * What happens to an idle sandbox. `pause` needs a provider that supports it.
   * @default "kill"; with `checkpoints`, which go with what is killed, "pause" where the provider supports it
   */
  readonly onIdle?: "kill" | "pause" | undefined;
  /**
   * How many sandboxes may run at once. At the limit, the one idle longest is ended, or a call waits.
   * @default no limit
   */
  readonly maxSandboxes?: number | undefined;
  /**
   * Called with every failure of the machine or the provider, unredacted; a model only gets a description of it. If it
   * throws, nothing is affected.
   * @default a Node warning for the first of each kind
   */
  readonly onError?: ((error: unknown) => void) | undefined;
  /**
   * Takes a checkpoint before each call that can change something, and one after it, unless nothing changed. A
   * conversation that goes back to an earlier point then finds its machine as it was there. The newest 100 of a sandbox
   * stay, unless `keep` says otherwise. Needs a provider with checkpoints.
   * @default none are taken
   */
  readonly checkpoints?: CallCheckpoints | undefined;
}

/** The schema fields of these options, for tools that take them too. */
export const sessionFields: FieldsOf<SandboxSessionsOptions> = {
  idleTimeoutMs: milliseconds,
  onIdle: z.enum(["kill", "pause"]).optional().describe("`kill` or `pause`"),
  maxSandboxes: positiveInteger,
  onError: callback<(error: unknown) => void>(),
  checkpoints: callCheckpoints.optional().describe(callCheckpoints.description!),
};
const optionsSchema = z.strictObject(sessionFields);

/** Who gets a sandbox, and where the conversation is. */
export interface AcquireOptions {
  readonly signal?: AbortSignal | undefined;
  readonly toolCallId?: string | undefined;
  /** The agent that asks, for the label `emberbox.agent` of a sandbox that is created for it. */
  readonly agent?: string | undefined;
  readonly place?: ConversationPlace | undefined;
}

/** A sandbox for the duration of one call. */
export interface SandboxLease extends Disposable {
  readonly sandbox: Sandbox;
  /** Why the state of this conversation's earlier calls is gone; set until `told` is called. */
  readonly lost: string | undefined;
  /** True when this sandbox was made of a checkpoint of the one that was lost. */
  readonly recovered: boolean;
  /** With `checkpoints`. */
  readonly trail: Trail | undefined;
  /** Records that the conversation has been told. */
  told(): void;
  /** Call this when a call failed because the sandbox is gone: the next call gets another one. */
  forget(sandbox: Sandbox, reason: unknown): void;
}

const IDLE_TIMEOUT_MS = 900_000;
/** How much longer a sandbox lives than its idle time: enough for the longest call. */
const MARGIN_MS = 900_000;
const LONGEST_MS = 24 * 3_600_000;
/** The most conversations that are remembered without a running sandbox. */
const MAX_REMEMBERED = 10_000;
const ONLY = "";

/**
 * One sandbox for each conversation, created on first use. `await using` ends all that were created here; a sandbox or
 * provider that was passed in stays as it is.
 */
export class SandboxSessions implements AsyncDisposable {
  readonly source: ResolvedSource;
  readonly #options: SandboxSessionsOptions;
  readonly #onError: (error: unknown) => void;
  readonly #sessions = new Map<string, Session>();
  readonly #slots = new Set<Session>();
  readonly #waiting = new Set<() => void>();
  readonly #host: SessionHost;
  /** The trails of conversations that share the given sandbox. */
  readonly #given = new Map<string, Trail>();
  /** What the adapter calls itself, if an adapter made these sessions. */
  readonly adapter: string | undefined;
  #closed = false;

  /**
   * `adapter` becomes the label `emberbox.adapter` of the sandboxes, each conversation's id `emberbox.thread`, and the
   * agent that asked first `emberbox.agent`, unless the source has labels of these names. @throws `invalid_argument`, `unsupported`
   */
  constructor(source?: SandboxSource, options: SandboxSessionsOptions = {}, adapter?: string) {
    this.adapter = adapter;
    this.source = resolveSource(source);
    this.#options = parseOptions(optionsSchema, options);
    this.#onError = notifier("onError", this.#options.onError ?? loudly);
    if (this.source.known !== undefined) this.#check(this.source.known);
    if (this.checkpoints) mustMakeCheckpoints(this.source);
    const { create } = this.source;
    const idleMs = this.#options.idleTimeoutMs ?? IDLE_TIMEOUT_MS;
    this.#host = {
      create,
      trail: () => this.#newTrail(),
      renews: create.timeoutMs === undefined,
      lifetimeMs: idleMs === 0 ? LONGEST_MS : idleMs + MARGIN_MS,
      provider: async () => this.#check(await this.source.provider()),
      slot: (session, signal) => this.#slot(session, signal),
      free: (session) => this.#free(session),
      report: (error) => this.report(error),
    };
  }

  /** The id of a conversation's sandbox, while it has one. */
  sandboxId(threadId: string = ONLY): string | undefined {
    return this.source.given?.sandboxId ?? this.#sessions.get(threadId)?.sandboxId;
  }

  /** Where a conversation's sandbox was after the last call that gave a result, with `checkpoints`. */
  position(threadId: string = ONLY): SandboxPosition | undefined {
    return (this.#given.get(threadId) ?? this.#sessions.get(threadId)?.trail)?.position;
  }

  /** Whether calls leave checkpoints behind. */
  get checkpoints(): boolean {
    return this.#options.checkpoints !== undefined;
  }

  /**
   * Gets a conversation's sandbox; dispose of the lease when the call has ended. An abort only ends this caller's wait.
   * @throws what creating the sandbox throws; `sandbox_closed` once these sessions are closed
   */
  async acquire(
    threadId: string = ONLY,
    { signal, toolCallId, agent, place }: AcquireOptions = {},
  ): Promise<SandboxLease> {
    signal?.throwIfAborted();
    this.#throwIfClosed();
    const { given } = this.source;
    if (given !== undefined) return leaseOfGiven(given, this.#trailOfGiven(threadId));
    const session = this.#session(threadId);
    session.agent ??= agent;
    session.users += 1;
    clearTimeout(session.timer);
    const release = (): void => this.#release(threadId, session);
    try {
      const sandbox = await session.sandbox(signal, place, toolCallId);
      this.#throwIfClosed();
      const { lost, recovered, trail } = session;
      let released = false;
      return {
        sandbox,
        lost,
        recovered,
        trail,
        told: () => {
          if (session.lost === lost) session.lost = undefined;
        },
        forget: (sandbox, reason) => session.forget(sandbox, reason),
        [Symbol.dispose]: () => {
          if (!released) release();
          released = true;
        },
      };
    } catch (error) {
      release();
      throw error;
    }
  }

  /**
   * Puts a conversation's machine where the conversation is: for frameworks that do not say it with their calls. Without
   * `checkpoints` nothing happens.
   * @throws `checkpoint_not_found`, and what creating the sandbox throws
   */
  async goTo(
    place: ConversationPlace,
    { threadId, signal }: { readonly threadId?: string | undefined } & SignalOptions = {},
  ): Promise<void> {
    if (!this.checkpoints) return;
    using lease = await this.acquire(threadId, { signal, place });
    const { sandbox, trail } = lease;
    const { at } = place;
    await queueOf(sandbox).run(async () => {
      // Calls that do not say where the conversation is leave open how much of them it knows: whoever asks is right.
      if (at?.sandboxId === sandbox.sandboxId) await trail?.goTo(sandbox, at, signal);
      else await trail?.arrive(sandbox, place, undefined, signal);
    }, signal);
  }

  /** Ends a conversation's sandbox; the next call gets a new one. Resolves to false when there was none. */
  async close(threadId: string = ONLY): Promise<boolean> {
    const session = this.#sessions.get(threadId);
    if (session === undefined) return false;
    const had = session.runs || session.sandboxId !== undefined;
    this.#sessions.delete(threadId);
    clearTimeout(session.timer);
    await session.discard("it was closed");
    return had;
  }

  /** Resolves once the calls of a conversation have ended, including those whose callers have given up. */
  async idle(threadId: string = ONLY): Promise<void> {
    const sandbox = this.source.given ?? this.#sessions.get(threadId)?.current;
    if (sandbox !== undefined) await queueOf(sandbox).idle();
  }

  /** Reports a failure to the developer, through `onError`. */
  report(error: unknown): void {
    this.#onError(error);
  }

  /** Ends the sandboxes that were created here. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    for (const wake of this.#waiting) wake();
    await Promise.all([...this.#sessions.keys()].map((threadId) => this.close(threadId)));
  }

  #session(threadId: string): Session {
    const known = this.#sessions.get(threadId);
    if (known !== undefined) return known;
    const { adapter } = this;
    const session = new Session(this.#host, (agent) => labelsOf({ adapter, threadId, agent }));
    this.#sessions.set(threadId, session);
    this.#dropOldest();
    return session;
  }

  #dropOldest(): void {
    if (this.#sessions.size <= MAX_REMEMBERED) return;
    for (const [threadId, session] of this.#sessions) {
      if (session.users > 0 || session.sandboxId !== undefined || session.runs) continue;
      this.#sessions.delete(threadId);
      return;
    }
  }

  #release(threadId: string, session: Session): void {
    session.users -= 1;
    session.usedAt = Date.now();
    if (session.users > 0) return;
    this.#wake();
    const after = this.#options.idleTimeoutMs ?? IDLE_TIMEOUT_MS;
    if (after === 0 || this.#sessions.get(threadId) !== session) return;
    const minutes = Math.round(after / 6_000) / 10;
    session.timer = setTimeout(
      () =>
        background(this.#rest(session, `it was not used for ${minutes} minutes`), (error) =>
          this.report(error),
        ),
      after,
    ).unref();
  }

  #rest(session: Session, reason: string): Promise<void> {
    const { onIdle = this.checkpoints ? "pause" : "kill" } = this.#options;
    return session.end({ pause: onIdle === "pause", reason });
  }

  async #slot(session: Session, signal: AbortSignal): Promise<void> {
    const max = this.#options.maxSandboxes ?? Infinity;
    while (this.#slots.size >= max) {
      const idle = [...this.#slots]
        .filter(({ users, resting }) => users === 0 && !resting)
        .toSorted((a, b) => a.usedAt - b.usedAt)[0];
      if (idle === undefined) await this.#change(signal);
      else await untilAborted(this.#rest(idle, "another conversation needed the room"), signal);
      this.#throwIfClosed();
    }
    this.#slots.add(session);
  }

  #free(session: Session): void {
    this.#slots.delete(session);
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }

  async #change(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    try {
      await untilAborted(promise, signal);
    } finally {
      this.#waiting.delete(resolve);
    }
  }

  #newTrail(): Trail | undefined {
    const { checkpoints } = this.#options;
    if (checkpoints === undefined) return undefined;
    const report = (error: unknown): void => this.report(error);
    return new Trail({ adapter: this.adapter, keep: keepOf(checkpoints), report });
  }

  #trailOfGiven(threadId: string): Trail | undefined {
    const trail = this.#given.get(threadId) ?? this.#newTrail();
    if (trail === undefined) return undefined;
    this.#given.delete(threadId);
    this.#given.set(threadId, trail);
    const oldest = this.#given.keys().next().value;
    if (this.#given.size > MAX_REMEMBERED && oldest !== undefined) this.#given.delete(oldest);
    return trail;
  }

  #check(provider: SandboxProvider): SandboxProvider {
    if (this.checkpoints && provider.capabilities.checkpoints !== true)
      throw withoutCheckpoints(`The provider ${provider.name}`);
    if (this.#options.onIdle !== "pause" || provider.capabilities.pause) return provider;
    throw new EmberboxError(
      "unsupported",
      `The provider ${provider.name} cannot pause sandboxes, as \`onIdle: "pause"\` asks for`,
    );
  }

  #throwIfClosed(): void {
    if (this.#closed) throw new EmberboxError("sandbox_closed", "These sessions were closed");
  }
}

function leaseOfGiven(sandbox: Sandbox, trail: Trail | undefined): SandboxLease {
  const { gone } = sandbox;
  if (gone !== undefined) throw gone;
  return {
    sandbox,
    lost: undefined,
    recovered: false,
    trail,
    told: () => {},
    forget: () => {},
    [Symbol.dispose]: () => {},
  };
}

/** Refuses sandboxes that are known to make no checkpoints. @throws `unsupported` */
export function mustMakeCheckpoints({ given, known }: ResolvedSource): void {
  // Of sandboxes of another version of this package nothing is known.
  const of: Partial<Pick<Sandbox, "capabilities">> | undefined = given ?? known;
  if (of?.capabilities === undefined || of.capabilities.checkpoints === true) return;
  throw withoutCheckpoints(known ? `The provider ${known.name}` : "The given sandbox's provider");
}

function withoutCheckpoints(who: string): EmberboxError {
  return new EmberboxError("unsupported", `${who} cannot make checkpoints`);
}
