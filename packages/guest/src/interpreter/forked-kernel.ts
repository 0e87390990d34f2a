import type { Socket } from "node:net";
import { oomKills } from "../cgroup.ts";
import { executeFrame, frame, FROM_KERNEL, FrameReader, TO_KERNEL } from "../kernel-frames.ts";
import type { ExecuteOptions, Kernel, KernelExit, KernelListener } from "./language.ts";
import { numberLine } from "./lines.ts";
import type { RawOutput } from "./raw-output.ts";

/** How long the connection of an ended process may stay open, in ms: a child may have inherited it. */
const LINGER_MS = 500;
/** How long after its connection a process may end, in ms: on a slow machine, its parent hears of it late. */
const ENDING_MS = 5000;
/** How long a fresh sandbox has for its first call, which may be in another language, in ms. */
const PAY_MS = 500;
/** What Node reads from a socket at once, in bytes. */
const FULL_READ = 64 * 1024;
/** How often a process that nobody watches is checked, in ms. */
const WATCH_MS = 500;

export interface ForkedKernelOptions {
  /** Descriptors 1 and 2 of the process, where the agent reads them. */
  readonly output?: RawOutput;
  /** Tells the process which execution to interrupt, in addition to the signal; the first one is 1. */
  readonly interrupt?: (execution: number) => void;
  /** The process cannot report by itself which files changed. */
  readonly isWatched?: boolean;
}

/** A kernel in a process of its own that speaks frames on a socket. */
export class ForkedKernel implements Kernel {
  /** The processes in which no code has run yet. */
  static readonly unused: Set<number> = new Set();
  readonly watched: number | undefined;
  readonly ready: Promise<void>;
  onExit: (exit: KernelExit) => void = () => undefined;
  readonly pid: number;
  readonly #socket: Socket;
  readonly #options: ForkedKernelOptions;
  readonly #reader = new FrameReader();
  #started: PromiseWithResolvers<void> = Promise.withResolvers();
  #listener: KernelListener | undefined;
  /** It has run no user code yet, so nothing happens in it until it does. */
  #isPristine = false;
  /** What a pristine process is told in a while, or before it runs anything: the sandbox's first call comes first. */
  #owed: Buffer | undefined;
  #executions = 0;
  /** The number of the next one, as its language counts. */
  #next = 1;
  /** How many processes had been killed for memory when the execution began. */
  #kills = 0;
  #exit: KernelExit | undefined;
  #reason: string | undefined;
  #closed = false;
  #over = false;
  #isGathering = false;
  #watch: NodeJS.Timeout | undefined;

  constructor(pid: number, socket: Socket, options: ForkedKernelOptions = {}) {
    this.pid = pid;
    this.watched = options.isWatched ? pid : undefined;
    this.#socket = socket;
    this.#options = options;
    this.ready = this.#started.promise;
    this.ready.catch(() => undefined);
    ForkedKernel.unused.add(pid);
    socket.on("error", () => undefined);
    socket.on("close", () => this.#hangUp());
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
  }

  /** Tells a ready process where it is to work, and as what. */
  become(part: {
    readonly language: string;
    readonly cwd: string;
    readonly envs: Readonly<Record<string, string>>;
  }): Promise<void> {
    this.#started = Promise.withResolvers();
    this.#socket.write(frame(TO_KERNEL.become, Buffer.from(JSON.stringify(part))));
    return this.#started.promise;
  }

  execute(
    code: string,
    envs: Readonly<Record<string, string>> | undefined,
    listener: KernelListener,
    options?: ExecuteOptions,
  ): void {
    this.#listener = listener;
    this.#kills = oomKills();
    this.#executions++;
    ForkedKernel.unused.delete(this.pid);
    // Not sent by the kernel: waking up for it would be a tenth of a short call without KVM.
    listener.output(numberLine(this.#next));
    this.#options.output?.begin(listener);
    this.#isPristine = false;
    this.#pay();
    if (options?.reportFiles) this.#socket.write(frame(TO_KERNEL.reportFiles));
    this.#socket.write(executeFrame(code, envs));
  }

  interrupt(): void {
    this.#options.interrupt?.(this.#executions);
    this.#signal("SIGINT");
  }

  kill(reason?: string): void {
    this.#reason ??= reason;
    this.#signal("SIGKILL");
  }

  restored(envs: Readonly<Record<string, string>>): void {
    const told = frame(TO_KERNEL.restored, Buffer.from(JSON.stringify({ env: envs })));
    this.#owed = told;
    if (this.#isPristine) setTimeout(() => this.#pay(), PAY_MS).unref();
    else this.#pay();
  }

  #pay(): void {
    if (this.#owed !== undefined) this.#socket.write(this.#owed);
    this.#owed = undefined;
  }

  reset(): Promise<void> {
    this.#options.output?.discard();
    this.#isPristine = this.#options.output !== undefined;
    ForkedKernel.unused.add(this.pid);
    this.#socket.write(frame(TO_KERNEL.reset));
    return new Promise((resolve) => {
      this.#listener = { output: ignore, error: ignore, flush: ignore, end: resolve };
    });
  }

  pause(): void {
    if (this.#exit !== undefined) return;
    this.#socket.pause();
    this.#options.output?.pause();
  }

  resume(): void {
    this.#socket.resume();
    this.#options.output?.resume();
  }

  /** The process has ended; what it sent before may still be on its way. */
  exited(exit: KernelExit): void {
    if (this.#exit !== undefined) return;
    clearInterval(this.#watch);
    ForkedKernel.unused.delete(this.pid);
    const wasChosen =
      exit.signal === "SIGKILL" && this.#reason === undefined && oomKills() > this.#kills;
    const outOfMemory = exit.outOfMemory === true || wasChosen;
    this.#exit = { ...exit, outOfMemory, reason: this.#reason };
    // Its children may still be running: end the whole group.
    this.#signal("SIGKILL");
    this.resume();
    if (this.#closed) this.#finish();
    else setTimeout(() => this.#finish(), LINGER_MS);
  }

  /** Nobody reports the end of the process any more, so check for it. */
  orphaned(): void {
    if (this.#exit !== undefined) return;
    this.#watch = setInterval(() => {
      if (!isAlive(this.pid)) this.exited({});
    }, WATCH_MS);
    this.#watch.unref();
  }

  #read(chunk: Buffer): void {
    if (this.#over) return;
    try {
      this.#reader.push(chunk, (kind, payload) => this.#take(kind, payload));
    } catch (error) {
      this.#socket.destroy();
      this.kill(`was ended, because it broke the agent's protocol: ${(error as Error).message}`);
      return;
    }
    if (chunk.length < FULL_READ) return this.#listener?.flush();
    // There is more, which goes on together with this.
    if (this.#isGathering) return;
    this.#isGathering = true;
    setImmediate(() => {
      this.#isGathering = false;
      this.#listener?.flush();
    });
  }

  #take(kind: number, payload: Buffer): void {
    switch (kind) {
      case FROM_KERNEL.output:
        return this.#listener?.output(payload);
      case FROM_KERNEL.error:
        return this.#listener?.error(payload);
      case FROM_KERNEL.end: {
        this.#next = numberIn(payload);
        const listener = this.#listener;
        this.#listener = undefined;
        if (this.#options.output === undefined) return listener?.end();
        return this.#options.output.end(() => listener?.end());
      }
      case FROM_KERNEL.ready:
        if (payload.length === 0) return this.#started.resolve();
        this.#started.reject(new Error(payload.toString()));
        return this.kill();
      default:
        throw new Error(`a frame of kind ${kind} makes no sense here`);
    }
  }

  #hangUp(): void {
    this.#closed = true;
    if (this.#exit !== undefined) return this.#finish();
    // Its end will be reported in a moment; a kernel that merely closed its connection is of no use.
    setTimeout(() => {
      if (this.#exit === undefined)
        this.kill("was ended, because it closed its connection to the agent");
    }, ENDING_MS);
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#socket.destroy();
    this.#options.output?.close();
    this.#started.reject(new Error("the kernel ended while it was starting"));
    this.onExit(this.#exit!);
  }

  /** The process leads a group, so what it started is signalled too. */
  #signal(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.pid, signal);
    } catch {
      // The group is empty.
    }
  }
}

function numberIn(payload: Buffer): number {
  const number = Number(payload.toString("latin1", 0, 16));
  if (!Number.isSafeInteger(number)) throw new Error("an end without the next execution's number");
  return number;
}

function ignore(): void {}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
