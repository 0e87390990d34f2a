import type { User } from "../envd/users.ts";

/** What a language provides: how to start a process that runs its code. One module per language implements it. */
export interface Language {
  /** The name that users write. */
  readonly name: string;
  /** Other names for it. */
  readonly aliases: readonly string[];
  start(options: KernelOptions): Promise<Kernel>;
  /** Does what makes first calls slow and need not be repeated in a kernel's copy. */
  warm(): Promise<void>;
  close(): void;
}

export interface KernelOptions {
  /** Who runs the code. */
  readonly user: User;
  readonly cwd: string;
  readonly envs: Readonly<Record<string, string>>;
}

/** One process that runs code, one execution at a time. */
export interface Kernel {
  /** The process whose working directory is checked for changed files; a kernel without one reports them itself. */
  readonly watched?: number | undefined;
  /** Runs code; the listener is told what it does, until `end` or `died`. */
  execute(
    code: string,
    envs: Readonly<Record<string, string>> | undefined,
    listener: KernelListener,
    options?: ExecuteOptions,
  ): void;
  /** Interrupts the running code, and the processes that it started. */
  interrupt(): void;
  /** Kills the process and those that it started, at once. */
  kill(): void;
  /** Called after a snapshot was restored: new seeds and variables, before any code runs. */
  restored(envs: Readonly<Record<string, string>>): void;
  /** Forgets everything that was run; nothing may run meanwhile. */
  reset(): Promise<void>;
  /** Stops reading, until `resume`, what the kernel sends; the kernel waits meanwhile. */
  pause(): void;
  resume(): void;
  /** Called once, when the process is gone and everything it sent has been read. */
  onExit: (exit: KernelExit) => void;
}

export interface ExecuteOptions {
  /** Report at the end which files changed below the working directory, unless the process is `watched`. */
  readonly reportFiles?: boolean;
}

export interface KernelListener {
  /** Lines of the protocol, or pieces of them. */
  output(piece: Buffer): void;
  /** One whole error line. */
  error(line: Buffer): void;
  end(): void;
  /** Everything that has arrived so far has been handed over. */
  flush(): void;
}

export interface KernelExit {
  /** Exit code, if there was one. */
  readonly code?: number | undefined;
  /** Name of the signal that ended the process. */
  readonly signal?: string | undefined;
  /** Why the agent ended the process. */
  readonly reason?: string | undefined;
  /** Memory ran out: the machine's kernel killed this process, or it gave up by itself. */
  readonly outOfMemory?: boolean;
  /** What the process wrote and nobody has read. */
  readonly stdout?: string | undefined;
  readonly stderr?: string | undefined;
}
