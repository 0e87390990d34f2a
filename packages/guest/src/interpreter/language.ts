/** What a language brings: how to start a process that runs its code. One module per language implements it. */
export interface Language {
  /** The name users write. */
  readonly name: string;
  /** Other names for it. */
  readonly aliases: readonly string[];
  start(options: KernelOptions): Promise<Kernel>;
  /** What makes a first call slow and need not be done again in a kernel's copy. */
  warm(): Promise<void>;
  /** A snapshot went on: sets right what all kernels of the language share. */
  restored(request: RestoreRequest): Promise<void>;
  close(): void;
}

export interface KernelOptions {
  readonly cwd: string;
  readonly envs: Readonly<Record<string, string>>;
}

export interface RestoreRequest {
  /** Fresh random bytes, hexadecimal. */
  readonly entropy: string;
  /** Seconds since 1970. */
  readonly timeSeconds: number;
}

/** One process that runs code, one execution after another. */
export interface Kernel {
  /** The process whose working directory is looked at for changed files; a kernel without one reports them itself. */
  readonly watched?: number | undefined;
  /** Runs code; what it does comes to the listener, until `end` or `died`. */
  execute(
    code: string,
    envs: Readonly<Record<string, string>> | undefined,
    listener: KernelListener,
    options?: ExecuteOptions,
  ): void;
  /** Interrupts the code that runs, and the processes it started. */
  interrupt(): void;
  /** Ends the process and those it started, at once. */
  kill(): void;
  /** A snapshot went on: new seeds, new variables, before any code runs. */
  restored(envs: Readonly<Record<string, string>>): void;
  /** Forgets all that was run; nothing may run meanwhile. */
  reset(): Promise<void>;
  /** Stops and goes on reading what the kernel says; it waits meanwhile. */
  pause(): void;
  resume(): void;
  /** Called once, when the process is gone and all it said has been heard. */
  onExit: (exit: KernelExit) => void;
}

export interface ExecuteOptions {
  /** Say at the end which files changed below the working directory, unless the process is `watched`. */
  readonly reportFiles?: boolean;
}

export interface KernelListener {
  /** Lines of the protocol, or pieces of them. */
  output(piece: Buffer): void;
  /** One whole error line. */
  error(line: Buffer): void;
  end(): void;
  /** All that has arrived so far has been handed over. */
  flush(): void;
}

export interface KernelExit {
  /** Exit code, where there was one. */
  readonly code?: number | undefined;
  /** Name of the signal that ended the process. */
  readonly signal?: string | undefined;
  /** Why the agent ended the process. */
  readonly reason?: string | undefined;
  /** Memory ran out, and the kernel of the machine chose this process, or it gave up itself. */
  readonly outOfMemory?: boolean;
  /** What the process wrote and nobody had read. */
  readonly stdout?: string | undefined;
  readonly stderr?: string | undefined;
}
