import { EmberboxError } from "../errors.ts";
import type { RequestOptions } from "../options.ts";
import type { CommandResult } from "./output.ts";

/** What a handle asks of its sandbox. */
export interface ProcessControl {
  kill(pid: number, options?: RequestOptions): Promise<boolean>;
  sendInput(pid: number, data: string | Uint8Array, options?: RequestOptions): Promise<void>;
  closeStdin(pid: number, options?: RequestOptions): Promise<void>;
}

/** The connection to a process: its output so far, and its result. */
export interface ProcessStream {
  readonly result: Promise<CommandResult>;
  soFar(): Pick<CommandResult, "stdout" | "stderr">;
  /** Stops receiving. */
  disconnect(error: EmberboxError): void;
}

/** A command running in the sandbox. */
export class CommandHandle {
  readonly pid: number;
  readonly #stream: ProcessStream;
  readonly #control: ProcessControl;

  /** @internal `commands` and `pty` create these. */
  constructor(pid: number, stream: ProcessStream, control: ProcessControl) {
    this.pid = pid;
    this.#stream = stream;
    this.#control = control;
  }

  /** What it has printed so far. */
  get stdout(): string {
    return this.#stream.soFar().stdout;
  }

  /** What it has printed on standard error so far. */
  get stderr(): string {
    return this.#stream.soFar().stderr;
  }

  /**
   * Waits for the command to end.
   * @throws `timeout`, `out_of_memory`, `connection_failed` after `disconnect()`, each with the output so far
   */
  wait(): Promise<CommandResult> {
    return this.#stream.result;
  }

  /** Kills it and everything it started (SIGKILL). Resolves to false when it had already ended. */
  kill(options?: RequestOptions): Promise<boolean> {
    return this.#control.kill(this.pid, options);
  }

  /** Stops receiving its output; it keeps running. `commands.connect(pid)` receives its output again. */
  async disconnect(): Promise<void> {
    this.#stream.disconnect(
      new EmberboxError("connection_failed", `Disconnected from process ${this.pid}`),
    );
  }

  /** Writes to its standard input, or types into its terminal. */
  sendStdin(data: string | Uint8Array, options?: RequestOptions): Promise<void> {
    return this.#control.sendInput(this.pid, data, options);
  }

  /** Closes its standard input. */
  closeStdin(options?: RequestOptions): Promise<void> {
    return this.#control.closeStdin(this.pid, options);
  }
}
