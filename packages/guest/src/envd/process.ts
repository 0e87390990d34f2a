import { memoryLimitMB, oomKills, type CommandGroup } from "../cgroup.ts";
import type { Child, ChildListener, OutputKind } from "./child.ts";
import { encodeDataEnvelope, encodeEnvelope, RpcError, type EventStream } from "./connect.ts";
import { describeSignal } from "./signals.ts";

/** `process.ProcessConfig` as JSON, as the client sent it. */
export interface ProcessConfig {
  readonly cmd: string;
  readonly args: string[];
  readonly envs: Record<string, string>;
  readonly cwd?: string;
}

/** `process.ProcessEvent.EndEvent` as JSON; `reason` is ours. */
export interface EndEvent {
  readonly exitCode: number;
  readonly exited: boolean;
  readonly status: string;
  readonly error?: string;
  readonly reason?: "out_of_memory";
  readonly limitMb?: number;
}

const maxDataBytes = { stdout: 32768, stderr: 32768, pty: 16384 };

/** How long output waits for more after some was sent, in ms: under emulation, sending takes several itself. */
const coalesceMs = 20;

/** How long the pipes of an ended process must be silent before they are given up, in ms. */
const silenceMs = 100;
/** How long a process that inherited the pipes may go on writing to them, in ms. */
const chatterMs = 2000;

const afterData = '"}}}';
const beforeData = {
  stdout: '{"event":{"data":{"stdout":"',
  stderr: '{"event":{"data":{"stderr":"',
  pty: '{"event":{"data":{"pty":"',
};

/**
 * A process and those who follow its output. A follower that falls behind holds the process up; one that leaves does
 * not; without any, the output is dropped.
 */
export class ManagedProcess implements ChildListener {
  readonly config: ProcessConfig;
  readonly tag: string | undefined;
  readonly #group: CommandGroup | undefined;
  readonly #onEnd: (end: EndEvent) => void;
  readonly #followers = new Map<EventStream, (end: EndEvent) => void>();
  readonly #behind = new Set<EventStream>();
  readonly #killsBefore = oomKills();
  #held: Buffer[] = [];
  #heldBytes = 0;
  #heldKind: OutputKind = "stdout";
  #sentAt = 0;
  #sending: NodeJS.Timeout | undefined;
  #child: Child | undefined;
  #end: EndEvent | undefined;
  #isClosed = false;
  #isOver = false;
  #silence: NodeJS.Timeout | undefined;
  #wasHeard = false;
  #chatterEnds = 0;

  constructor(
    config: ProcessConfig,
    tag: string | undefined,
    group: CommandGroup | undefined,
    onEnd: (end: EndEvent) => void,
  ) {
    this.config = config;
    this.tag = tag;
    this.#group = group;
    this.#onEnd = onEnd;
  }

  /** Sets the child that reports here. */
  attach(child: Child): void {
    this.#child = child;
  }

  get child(): Child {
    if (this.#child === undefined)
      throw new RpcError("unavailable", "the process has not started yet");
    return this.#child;
  }

  /** Sends everything from now on to `stream`, which `onEnd` must end. */
  follow(stream: EventStream, onEnd: (end: EndEvent) => void): void {
    this.#send();
    this.#followers.set(stream, onEnd);
    stream.onClose(() => this.#leave(stream));
    stream.onDrain(() => this.#catchUp(stream));
  }

  /** Signals the whole process group; SIGKILL also reaches processes that have left it. */
  signal(signal: NodeJS.Signals): void {
    const { pid } = this.child;
    if (signal === "SIGKILL" && this.#group?.kill()) return;
    // A child that was forked just now does not lead its group yet.
    if (!sendSignal(-pid, signal) && this.#end === undefined) sendSignal(pid, signal);
  }

  output(kind: OutputKind, chunk: Buffer): void {
    this.#wasHeard = true;
    if (this.#followers.size === 0) return;
    if (kind !== this.#heldKind) this.#send();
    this.#heldKind = kind;
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
    const isDue = performance.now() - this.#sentAt > coalesceMs;
    if (isDue || this.#heldBytes >= maxDataBytes[kind]) this.#send();
    else this.#sending ??= setTimeout(() => this.#send(), coalesceMs);
  }

  /** Sends what waits: many programs write little at a time, and each message costs much more than its bytes. */
  #send(): void {
    clearTimeout(this.#sending);
    this.#sending = undefined;
    if (this.#heldBytes === 0) return;
    const kind = this.#heldKind;
    const data = this.#held.length === 1 ? this.#held[0]! : Buffer.concat(this.#held);
    this.#held = [];
    this.#heldBytes = 0;
    this.#sentAt = performance.now();
    const size = maxDataBytes[kind];
    for (let offset = 0; offset < data.length; offset += size) {
      const frame = encodeDataEnvelope(
        beforeData[kind],
        data.subarray(offset, offset + size),
        afterData,
      );
      for (const stream of this.#followers.keys()) {
        if (!stream.write(frame)) this.#behind.add(stream);
      }
    }
    if (this.#behind.size > 0) this.#child?.pause();
  }

  exit(exitCode: number | null, signal: NodeJS.Signals | null): void {
    this.#end = this.#describe(exitCode, signal);
    if (this.#isClosed) this.#finish();
    else this.#expectSilence();
  }

  closed(): void {
    this.#isClosed = true;
    if (this.#end !== undefined) this.#finish();
  }

  #leave(stream: EventStream): void {
    this.#followers.delete(stream);
    this.#catchUp(stream);
  }

  #catchUp(stream: EventStream): void {
    if (this.#behind.delete(stream) && this.#behind.size === 0 && !this.#isOver)
      this.#child?.resume();
  }

  /**
   * A background process may hold the pipes of a leader that has ended. What the leader wrote last is still in them, so
   * they are read until nothing comes; time during which a follower holds things up does not count.
   */
  #expectSilence(): void {
    this.#wasHeard = false;
    this.#chatterEnds = Date.now() + chatterMs;
    this.#awaitSilence();
  }

  #awaitSilence(): void {
    this.#silence = setTimeout(() => setImmediate(() => this.#checkSilence()), silenceMs);
  }

  #checkSilence(): void {
    const isHeldUp = this.#behind.size > 0;
    if (isHeldUp) this.#chatterEnds = Date.now() + chatterMs;
    if (!isHeldUp && (!this.#wasHeard || Date.now() > this.#chatterEnds)) return this.#finish();
    this.#wasHeard = false;
    this.#awaitSilence();
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#silence);
    this.#send();
    const end = this.#end!;
    this.#onEnd(end);
    for (const onEnd of this.#followers.values()) onEnd(end);
    this.#followers.clear();
    if (!this.#isClosed) this.#child?.discard();
  }

  #describe(exitCode: number | null, signal: NodeJS.Signals | null): EndEvent {
    const exited = signal === null;
    const status = exited ? `exit status ${exitCode}` : `signal: ${describeSignal(signal)}`;
    if (exitCode === 0) return { exitCode, exited, status };
    const end = { exitCode: exitCode ?? -1, exited, status };
    if (oomKills() > this.#killsBefore) {
      return {
        ...end,
        error: `out of memory: the sandbox has ${memoryLimitMB()} MiB`,
        reason: "out_of_memory",
        limitMb: memoryLimitMB(),
      };
    }
    return { ...end, error: status };
  }
}

/** False when there is no such process or group. */
function sendSignal(target: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(target, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}

export function endFrame(end: EndEvent): Buffer {
  return encodeEnvelope(0, { event: { end } });
}
