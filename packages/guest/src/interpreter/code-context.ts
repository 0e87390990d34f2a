import { background } from "@emberbox/core/background";
import { memoryLimitMB } from "../cgroup.ts";
import type { User } from "../envd/users.ts";
import { reporting, snapshot } from "./changed-files.ts";
import { Execution, type ExecutionControl } from "./execution.ts";
import type { Kernel, KernelExit, Language } from "./language.ts";
import { deathOf } from "./lines.ts";

/** How many executions may wait in one context. */
const MAX_QUEUE = 256;
/** Pauses before each attempt to start a kernel, in ms. */
const RETRY_MS = [0, 200, 1000];

export interface CodeContextOptions {
  readonly id: string;
  readonly language: Language;
  readonly cwd: string;
  /** Environment variables that every kernel starts with. */
  readonly envs: () => Readonly<Record<string, string>>;
  /** Who runs the code. */
  readonly user: () => User;
  readonly log: (line: string) => void;
}

/** A namespace: one kernel at a time, and one execution at a time, the others in order. */
export class CodeContext {
  readonly id: string;
  readonly language: Language;
  readonly cwd: string;
  /** The name of who runs the code. */
  readonly user: string;
  readonly #options: CodeContextOptions;
  readonly #queue: Execution[] = [];
  #kernel: Kernel | undefined;
  #running: Execution | undefined;
  #starting: Promise<void> | undefined;
  #removed = false;

  constructor(options: CodeContextOptions) {
    this.id = options.id;
    this.language = options.language;
    this.cwd = options.cwd;
    this.user = options.user().name;
    this.#options = options;
  }

  /** Starts the kernel, unless there is one. */
  async start(): Promise<void> {
    if (this.#kernel !== undefined || this.#removed) return;
    this.#starting ??= this.#start().finally(() => (this.#starting = undefined));
    await this.#starting;
  }

  /** Returns `false` when too many are waiting already. */
  submit(execution: Execution): boolean {
    if (this.#queue.length >= MAX_QUEUE) return false;
    this.#queue.push(execution);
    execution.attach(this.#controlOf(execution));
    this.#next();
    return true;
  }

  /** Ends the kernel and whatever it runs, and starts a new one. */
  async restart(): Promise<void> {
    this.#drop("was restarted on request");
    await this.start();
  }

  remove(): void {
    this.#removed = true;
    this.#drop("was removed with its context");
    for (const execution of this.#queue.splice(0))
      this.#failOne(execution, { reason: "was removed with its context" });
  }

  restored(): void {
    this.#kernel?.restored(this.#options.envs());
  }

  async reset(): Promise<void> {
    await this.#kernel?.reset();
  }

  async #start(): Promise<void> {
    let failure: unknown;
    for (const pause of RETRY_MS) {
      if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
      try {
        const place = { user: this.#options.user(), cwd: this.cwd, envs: this.#options.envs() };
        const kernel = await this.language.start(place);
        if (this.#removed) return kernel.kill();
        kernel.onExit = (exit) => this.#exited(kernel, exit);
        this.#kernel = kernel;
        this.#next();
        return;
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  #next(): void {
    if (this.#running !== undefined || this.#queue.length === 0) return;
    const kernel = this.#kernel;
    if (kernel === undefined) {
      this.start().catch((error: unknown) => this.#cannotStart(error));
      return;
    }
    const execution = this.#queue.shift()!;
    this.#running = execution;
    execution.begin();
    const { code, envs, reportFiles } = execution.request;
    if (reportFiles && kernel.watched !== undefined)
      return background(this.#executeWatched(kernel, execution, kernel.watched), (error) => {
        if (this.#running !== execution) return;
        this.#drop(`could not be given the code: ${String(error)}`);
        this.#renew();
      });
    kernel.execute(code, envs, execution, { reportFiles });
  }

  async #executeWatched(kernel: Kernel, execution: Execution, pid: number): Promise<void> {
    const user = this.#options.user();
    const before = await snapshot(pid, user);
    if (this.#running !== execution) return;
    if (!execution.isWanted) return execution.end();
    const { code, envs } = execution.request;
    kernel.execute(code, envs, before ? reporting(execution, before, user) : execution);
  }

  #cannotStart(error: unknown): void {
    this.#options.log(`context ${this.id}: ${error}`);
    const reason = `could not be started: ${(error as Error).message}`;
    for (const execution of this.#queue.splice(0)) this.#failOne(execution, { reason });
  }

  #controlOf(execution: Execution): ExecutionControl {
    return {
      interrupt: () => this.#kernel?.interrupt(),
      replace: () => {
        this.#running = undefined;
        this.#drop();
        this.#renew();
      },
      pause: () => this.#kernel?.pause(),
      resume: () => {
        if (this.#running === execution) this.#kernel?.resume();
      },
      withdraw: () => {
        const index = this.#queue.indexOf(execution);
        if (index >= 0) this.#queue.splice(index, 1);
      },
      finished: () => {
        if (this.#running !== execution) return;
        this.#running = undefined;
        this.#next();
      },
    };
  }

  /** Lets go of the kernel at once; how it ends no longer matters. */
  #drop(reason?: string): void {
    const kernel = this.#kernel;
    this.#kernel = undefined;
    if (kernel !== undefined) {
      kernel.onExit = () => undefined;
      kernel.kill();
      kernel.resume();
    }
    const execution = this.#running;
    this.#running = undefined;
    if (execution !== undefined) this.#failOne(execution, { reason });
  }

  #exited(kernel: Kernel, exit: KernelExit): void {
    if (this.#kernel !== kernel) return;
    this.#kernel = undefined;
    const execution = this.#running;
    this.#running = undefined;
    this.#options.log(
      `context ${this.id}: the kernel ended (${exit.signal ?? exit.code ?? exit.reason})`,
    );
    if (execution !== undefined) this.#failOne(execution, exit);
    this.#renew();
  }

  #renew(): void {
    if (!this.#removed) this.start().catch((error: unknown) => this.#cannotStart(error));
  }

  #failOne(execution: Execution, exit: KernelExit): void {
    const limitMB = (exit.outOfMemory && memoryLimitMB()) || undefined;
    execution.fail(deathOf(exit, !this.#removed, limitMB), exit.stdout, exit.stderr);
  }
}
