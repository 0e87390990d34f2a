import { recorderOf } from "../audit/recorded.ts";
import { asking } from "../audit/recorder.ts";
import { EmberboxError } from "../errors.ts";
import { queueOf } from "../sessions/sandbox-queue.ts";
import type { SandboxLease, SandboxSessions } from "../sessions/sandbox-sessions.ts";
import type { Sandbox } from "../sandbox.ts";
import { explainFailure, explainNoSandbox, isLost, lostNotice, type Failure } from "./failure.ts";
import type { ToolContext } from "./types.ts";

/** Which conversation a call belongs to, and whether it waits for other calls. */
export interface SandboxCallOptions extends Pick<
  ToolContext,
  "signal" | "threadId" | "toolCallId"
> {
  /** The tool that was called, for records. */
  readonly tool?: string | undefined;
  /** Runs in parallel with other calls; otherwise calls run one at a time, in the order requested. @default false */
  readonly beside?: boolean;
}

/** One call in a conversation's sandbox. */
export class SandboxCall implements Disposable {
  readonly #sessions: SandboxSessions;
  readonly #lease: SandboxLease | undefined;
  #end: Promise<unknown> | undefined;

  constructor(sessions: SandboxSessions, lease?: SandboxLease) {
    this.#sessions = sessions;
    this.#lease = lease;
  }

  /** `undefined` only when the call failed before it got a sandbox. */
  get sandboxId(): string | undefined {
    return this.#lease?.sandbox.sandboxId;
  }

  /** The conversation's sandbox. */
  get sandbox(): Sandbox {
    return this.#lease!.sandbox;
  }

  /** True when a sandbox that is gone will be replaced by another. */
  get replaced(): boolean {
    return this.#sessions.source.given === undefined;
  }

  /** What to say first, followed by empty lines, when this sandbox replaces another one; otherwise "". */
  get notice(): string {
    const lost = this.#lease?.lost;
    return lost === undefined ? "" : lostNotice(lost);
  }

  /** Returns the notice and marks it as given, so that no other call repeats it. */
  say(): string {
    const { notice } = this;
    this.#lease?.told();
    return notice;
  }

  /** Keeps the sandbox in use after the call's own end, until `end` has settled. */
  until(end: Promise<unknown>): void {
    this.#end = end;
  }

  /** Records when `error` means that the sandbox is gone: the next call gets another one. */
  forget(error: unknown): void {
    if (EmberboxError.isInstance(error) && isLost(error.code)) {
      this.#lease?.forget(this.#lease.sandbox, error);
    }
  }

  /**
   * Describes a failure in words that may be shown to anyone, and reports it to the developer when it is not the
   * caller's.
   */
  explain(error: unknown): Failure {
    this.forget(error);
    const failure =
      this.#lease === undefined ? explainNoSandbox(error) : explainFailure(error, this.replaced);
    if (failure.report) this.#sessions.report(error);
    return failure;
  }

  /** Releases the sandbox, after the end that `until` was given if there is one. */
  [Symbol.dispose](): void {
    const release = (): void => this.#lease?.[Symbol.dispose]();
    if (this.#end === undefined) release();
    else this.#end.then(release, release);
  }
}

/**
 * Runs one call in a conversation's sandbox, which is created if need be and replaced when it is lost. What `work`
 * throws goes to `failed`, whose return value or error becomes the call's; an abort rejects with the signal's reason.
 */
export async function callSandbox<Answer>(
  sessions: SandboxSessions,
  options: SandboxCallOptions,
  work: (call: SandboxCall) => Promise<Answer>,
  failed: (error: unknown, call: SandboxCall) => Answer,
): Promise<Answer> {
  const { signal, threadId, toolCallId, tool, beside = false } = options;
  signal?.throwIfAborted();
  let call = new SandboxCall(sessions);
  try {
    const lease = await sessions.acquire(threadId, { signal });
    call = new SandboxCall(sessions, lease);
    const asker = { adapter: sessions.adapter, tool, toolCallId, thread: threadId };
    // Where nothing is recorded, nobody needs to know who asks.
    const isRecorded = recorderOf(lease.sandbox) !== undefined;
    const run = (): Promise<Answer> =>
      isRecorded ? asking.run(asker, () => work(call)) : work(call);
    if (beside) return await run();
    return await queueOf(lease.sandbox).run(run, signal);
  } catch (error) {
    call.forget(error);
    signal?.throwIfAborted();
    return failed(error, call);
  } finally {
    call[Symbol.dispose]();
  }
}
