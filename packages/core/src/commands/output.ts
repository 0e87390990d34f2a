import { BoundedText } from "../bounded-text.ts";

/**
 * Called with output as it arrives. If it returns a promise, the promise is awaited, which slows the command down. If
 * it throws, that ends the command, or the connection to it, and `run` or `wait` rejects with what it threw.
 */
export type OutputCallback<Data = string> = (data: Data) => unknown;

/** One stream of a command, decoded across piece boundaries; the first and last 5 MiB are kept. */
class TextOutput {
  readonly #decoder = new TextDecoder();
  readonly #kept = new BoundedText();
  readonly #callback: OutputCallback | undefined;

  constructor(callback: OutputCallback | undefined) {
    this.#callback = callback;
  }

  /** Takes bytes. Await what it returns before pushing more. */
  push(bytes: Uint8Array): unknown {
    return this.#take(this.#decoder.decode(bytes, { stream: true }));
  }

  /** Ends the stream: a character that was cut short becomes U+FFFD. */
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
  /** Full sizes of streams that were kept only in part; callbacks have seen everything. */
  readonly truncated?: { readonly stdoutBytes?: number; readonly stderrBytes?: number };
}

/** Where a process's output goes. */
export interface Sink {
  stdout(bytes: Uint8Array): unknown;
  stderr(bytes: Uint8Array): unknown;
  pty(bytes: Uint8Array): unknown;
  end(): Promise<void>;
  /** The output so far. */
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

/** Passes output on as raw bytes, and keeps none. */
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

/** Passes a terminal's output on, and keeps none. */
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
