import { recorderOf } from "../audit/recorded.ts";
import { asking } from "../audit/recorder.ts";
import type { CheckpointInfo } from "../checkpoint-options.ts";
import { EmberboxError } from "../errors.ts";
import { queueOf } from "../sessions/sandbox-queue.ts";
import type { SandboxLease, SandboxSessions } from "../sessions/sandbox-sessions.ts";
import type { Trail } from "../sessions/trail.ts";
import type { Sandbox } from "../sandbox.ts";
import type { SandboxPosition } from "../sessions/position.ts";
import { explainFailure, explainNoSandbox, isLost, lostNotice, type Failure } from "./failure.ts";
import type { ToolContext } from "./types.ts";

/** Which conversation a call belongs to, and whether it waits for other calls. */
export interface SandboxCallOptions extends Omit<ToolContext, "onOutput"> {
  /** The tool that was called, for records. */
  readonly tool?: string | undefined;
  /**
   * For what changes nothing: runs in parallel with other calls, without checkpoints; otherwise calls run one at a time,
   * in the order requested.
   * @default false
   */
  readonly beside?: boolean | undefined;
  /** What it does in a few words, for people who look at its checkpoints. @default "a call" */
  readonly label?: string | undefined;
}

/** One call in a conversation's sandbox. */
export class SandboxCall implements Disposable {
  readonly #sessions: SandboxSessions;
  readonly #lease: SandboxLease | undefined;
  #end: Promise<unknown> | undefined;
  #before: string | undefined;
  #position: SandboxPosition | undefined;
  #leaving: (() => Promise<SandboxPosition>) | undefined;

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

  /** What the adapter calls itself. */
  get adapter(): string | undefined {
    return this.#sessions.adapter;
  }

  /** True when a sandbox that is gone will be replaced by another. */
  get replaced(): boolean {
    return this.#sessions.source.given === undefined;
  }

  /** What to say first, followed by empty lines, when this sandbox replaces another one; otherwise "". */
  get notice(): string {
    const { lost, recovered = false } = this.#lease ?? {};
    return lost === undefined ? "" : lostNotice(lost, recovered);
  }

  /** @internal */
  get trail(): Trail | undefined {
    return this.#lease?.trail;
  }

  /** The id of the checkpoint that was taken before the call, with `checkpoints`. */
  get checkpointId(): string | undefined {
    return this.#before;
  }

  /** Where the machine is after the call, once it has been left. */
  get position(): SandboxPosition | undefined {
    return this.#position;
  }

  /** @internal */
  async enter(
    begin: () => Promise<CheckpointInfo>,
    end: () => Promise<SandboxPosition>,
  ): Promise<void> {
    this.#before = (await begin()).checkpointId;
    this.#leaving = end;
  }

  /**
   * Takes the checkpoint after the call, where calls leave some: for work that puts `position` into its answer.
   * Otherwise it is taken when the work has ended.
   */
  async leave(): Promise<void> {
    const leaving = this.#leaving;
    this.#leaving = undefined;
    if (leaving === undefined || this.sandbox.gone !== undefined) return;
    try {
      this.#position = await leaving();
    } catch (error) {
      // What was asked for is done; the next call, which begins with a checkpoint, fails if this was no accident.
      this.forget(error);
      this.#sessions.report(error);
    }
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
  const { signal, threadId, toolCallId, agent, tool, place, beside = false } = options;
  signal?.throwIfAborted();
  let call = new SandboxCall(sessions);
  try {
    const lease = await sessions.acquire(threadId, { signal, toolCallId, agent, place });
    call = new SandboxCall(sessions, lease);
    const { sandbox, trail } = lease;
    const queue = queueOf(sandbox);
    const asker = { adapter: sessions.adapter, tool, toolCallId, thread: threadId };
    // Where nothing is recorded, nobody needs to know who asks.
    const isRecorded = recorderOf(sandbox) !== undefined;
    const asked = <Result>(run: () => Promise<Result>): Promise<Result> =>
      isRecorded ? asking.run(asker, run) : run();
    const arrive = async (): Promise<void> => trail?.arrive(sandbox, place, toolCallId, signal);
    if (beside) {
      if (trail?.target(place, toolCallId) !== undefined)
        await queue.run(() => asked(arrive), signal);
      return await asked(() => work(call));
    }
    const inTurn = async (): Promise<Answer> => {
      await arrive();
      return inCheckpoints(call, lease, options, work);
    };
    return await queue.run(() => asked(inTurn), signal);
  } catch (error) {
    call.forget(error);
    signal?.throwIfAborted();
    return failed(error, call);
  } finally {
    call[Symbol.dispose]();
  }
}

/** Runs a call that may change something, between two checkpoints where calls are to leave them. */
async function inCheckpoints<Answer>(
  call: SandboxCall,
  { sandbox, trail }: SandboxLease,
  { signal, label = "a call", toolCallId, place }: SandboxCallOptions,
  work: (call: SandboxCall) => Promise<Answer>,
): Promise<Answer> {
  if (trail === undefined) return work(call);
  const note = { label, toolCallId };
  await call.enter(
    () => trail.begin(sandbox, note, signal),
    () => trail.end(sandbox, note, place !== undefined, signal),
  );
  try {
    return await work(call);
  } finally {
    if (signal?.aborted !== true) await call.leave();
  }
}
