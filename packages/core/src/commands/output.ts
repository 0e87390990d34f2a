import { BoundedText } from "../bounded-text.ts";

/**
 * Called with output as it comes. One that returns a promise is waited for, which slows the command down; one that
 * throws ends the command, or the connection to it, and `run` or `wait` rejects with what it threw.
 */
export type OutputCallback<Data = string> = (data: Data) => unknown;

/** One stream of a command: bytes become text across their boundaries, and the first and last 5 MiB are kept. */
class TextOutput {
  readonly #decoder = new TextDecoder();
  readonly #kept = new BoundedText();
  readonly #callback: OutputCallback | undefined;

  constructor(callback: OutputCallback | undefined) {
    this.#callback = callback;
  }

  /** Takes bytes. What it returns is to be awaited before the next ones. */
  push(bytes: Uint8Array): unknown {
    return this.#take(this.#decoder.decode(bytes, { stream: true }));
  }

  /** Takes the end: a character cut short becomes U+FFFD. */
  end(): unknown {
    return this.#take(this.#decoder.decode());
  }

  get totalBytes(): number | undefined {
    return this.#kept.truncated ? this.#kept.totalBytes : undefined;
  }

  toString(): string {
    return this.#kept.toString();
  }

  #take(text: string): unknown {
    if (text === "") return undefined;
    this.#kept.push(text);
    return this.#callback?.(text);
  }
}

/** How a command ended. A non-zero exit code is a result, not an error. */
export interface CommandResult {
  /** -1 when a signal ended it; `error` then names the signal. */
  readonly exitCode: number;
  /** What it printed, or its first and last 5 MiB. */
  readonly stdout: string;
  /** What it printed on standard error, or its first and last 5 MiB. */
  readonly stderr: string;
  /** Such as `exit status 1` or `signal: killed`. */
  readonly error?: string;
  /** Full sizes of what was kept only in part; callbacks have seen all of it. */
  readonly truncated?: { readonly stdoutBytes?: number; readonly stderrBytes?: number };
}

/** Where a process's output goes. */
export interface Sink {
  stdout(bytes: Uint8Array): unknown;
  stderr(bytes: Uint8Array): unknown;
  pty(bytes: Uint8Array): unknown;
  end(): Promise<void>;
  /** What came so far. */
  soFar(): Omit<CommandResult, "exitCode" | "error">;
}

export function textSink(
  onStdout: OutputCallback | undefined,
  onStderr: OutputCallback | undefined,
): Sink {
  const stdout = new TextOutput(onStdout);
  const stderr = new TextOutput(onStderr);
  return {
    stdout: (bytes) => stdout.push(bytes),
    stderr: (bytes) => stderr.push(bytes),
    pty: () => undefined,
    end: async () => {
      await stdout.end();
      await stderr.end();
    },
    soFar: () => ({
      stdout: String(stdout),
      stderr: String(stderr),
      ...truncation(stdout, stderr),
    }),
  };
}

/** Output is handed on as the bytes it is, and not kept. */
export function bytesSink(
  onStdout: OutputCallback<Uint8Array> | undefined,
  onStderr: OutputCallback<Uint8Array> | undefined,
): Sink {
  return {
    stdout: (bytes) => onStdout?.(bytes),
    stderr: (bytes) => onStderr?.(bytes),
    pty: ignore,
    end: async () => {},
    soFar: () => ({ stdout: "", stderr: "" }),
  };
}

const ignore = (): undefined => undefined;

/** A terminal's output is handed on and not kept. */
export function terminalSink(onData: OutputCallback<Uint8Array>): Sink {
  return {
    stdout: ignore,
    stderr: ignore,
    pty: onData,
    end: async () => {},
    soFar: () => ({ stdout: "", stderr: "" }),
  };
}

function truncation(stdout: TextOutput, stderr: TextOutput): Pick<CommandResult, "truncated"> {
  const stdoutBytes = stdout.totalBytes;
  const stderrBytes = stderr.totalBytes;
  if (stdoutBytes === undefined && stderrBytes === undefined) return {};
  return {
    truncated: {
      ...(stdoutBytes !== undefined && { stdoutBytes }),
      ...(stderrBytes !== undefined && { stderrBytes }),
    },
  };
}
