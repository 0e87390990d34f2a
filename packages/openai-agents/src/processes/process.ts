import { EmberboxError, type CommandHandle } from "@emberbox/core";
import { notifier } from "@emberbox/core/background";
import { untilAborted, within } from "@emberbox/core/concurrency";
import {
  BoundedText,
  explainFailure,
  killCommand,
  shellExitCode,
  type ToolOutput,
} from "@emberbox/core/tools";

/** Bytes kept of the beginning of the output, and as many of its end, while nobody reads it. */
const KEEP_BYTES = 512 * 1024;

export interface ProcessOutput {
  /** Both streams, in order of arrival. */
  readonly output: string;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that a model started: what it printed since it was last asked, and how it ended. */
export class SandboxProcess {
  readonly tty: boolean;
  readonly onOutput: (stream: ToolOutput["stream"], text: string) => unknown;
  #handle: CommandHandle | undefined;
  #output = new BoundedText(KEEP_BYTES);
  #stdout = new BoundedText(KEEP_BYTES);
  #stderr = new BoundedText(KEEP_BYTES);
  #ended: Promise<void> = Promise.resolve();
  /** `undefined` while it is running. */
  exitCode: number | undefined;

  constructor(tty: boolean, listener: ((output: ToolOutput) => unknown) | undefined) {
    this.tty = tty;
    const notify = notifier("onOutput", listener);
    this.onOutput = (stream, text) => {
      this.#output.push(text);
      (stream === "stdout" ? this.#stdout : this.#stderr).push(text);
      return notify({ stream, text });
    };
  }

  follow(handle: CommandHandle): void {
    this.#handle = handle;
    this.#ended = this.#wait(handle);
  }

  /** Waits for the end, but at most `timeoutMs`; an abort ends the wait. */
  async settle(timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
    await within(timeoutMs, untilAborted(this.#ended, signal), () => {});
  }

  /** Takes what it printed since the last call. */
  take(): ProcessOutput {
    const taken = {
      output: String(this.#output),
      stdout: String(this.#stdout),
      stderr: String(this.#stderr),
    };
    this.#output = new BoundedText(KEEP_BYTES);
    this.#stdout = new BoundedText(KEEP_BYTES);
    this.#stderr = new BoundedText(KEEP_BYTES);
    return taken;
  }

  write(text: string): Promise<void> {
    return this.#handle!.sendStdin(text);
  }

  get pid(): number | undefined {
    return this.#handle?.pid;
  }

  /** Kills it and everything it started. */
  async kill(): Promise<void> {
    if (this.exitCode === undefined && this.#handle) await killCommand(this.#handle);
  }

  async #wait(handle: CommandHandle): Promise<void> {
    try {
      this.exitCode = (await handle.wait()).exitCode;
    } catch (error) {
      this.#output.push(`\n${explainFailure(error, false).text}\n`);
      this.exitCode = EmberboxError.isInstance(error) ? shellExitCode(error) : 1;
    }
  }
}
