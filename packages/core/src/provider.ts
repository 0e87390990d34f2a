import type { Dispatcher } from "undici";

/** The port on which a sandbox serves files and processes (E2B's envd). */
export const ENVD_PORT = 49983;
/** The port on which a sandbox serves the code interpreter. */
export const INTERPRETER_PORT = 49999;

/** What a provider can do beyond `create`, `connect`, `list` and `kill`. */
export interface Capabilities {
  /** `setTimeout` moves the end of a running sandbox. */
  readonly setTimeout: boolean;
}

/** What every provider's `create` understands; each rejects what it cannot honour. */
export interface CreateOptions {
  /** @default "default" */
  readonly template?: string | undefined;
  /** Memory of the sandbox in MiB. */
  readonly memoryMB?: number | undefined;
  /** Virtual CPUs. */
  readonly cpuCount?: number | undefined;
  /** Size of the sandbox's disk in MiB. */
  readonly diskMB?: number | undefined;
  /** Environment variables that every process and code context in the sandbox sees. */
  readonly envs?: Readonly<Record<string, string>> | undefined;
  /** Free-form labels, reported by `list` and `getInfo`. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** Lifetime in milliseconds; the sandbox is killed at its end. @default 300_000 */
  readonly timeoutMs?: number | undefined;
  /** Stops the creation. */
  readonly signal?: AbortSignal | undefined;
}

export interface ConnectOptions {
  /** Extends the lifetime to at least this many milliseconds from now. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface SandboxInfo {
  readonly sandboxId: string;
  readonly template: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly startedAt: Date;
  readonly endAt: Date;
  readonly cpuCount: number;
  /** MiB */
  readonly memoryMB: number;
  /** MiB */
  readonly diskMB: number;
  readonly state: "running";
}

/** How to reach one port of a sandbox. */
export interface Endpoint {
  readonly origin: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly dispatcher: Dispatcher;
}

export interface SandboxConnection {
  readonly sandboxId: string;
  endpoint(port: number): Endpoint;
  /**
   * Why the sandbox is gone (`sandbox_died`, `sandbox_closed`), or `undefined` while it runs.
   * A request that fails because the sandbox went away is reported with this error.
   */
  gone(): Error | undefined;
}

/** A provider is made by a function that does no I/O; sandboxes come from `create` and `connect`. */
export interface SandboxProvider extends AsyncDisposable {
  readonly name: string;
  readonly capabilities: Readonly<Capabilities>;
  create(options: CreateOptions): Promise<SandboxConnection>;
  /** @throws `sandbox_not_found` */
  connect(sandboxId: string, options?: ConnectOptions): Promise<SandboxConnection>;
  list(): Promise<SandboxInfo[]>;
  /** @throws `sandbox_not_found` */
  getInfo(sandboxId: string): Promise<SandboxInfo>;
  /** Resolves to false when there was no such sandbox. */
  kill(sandboxId: string): Promise<boolean>;
  /** Sets the end of the sandbox's life to `timeoutMs` from now. @throws `sandbox_not_found` */
  setTimeout?(sandboxId: string, timeoutMs: number): Promise<void>;
}
