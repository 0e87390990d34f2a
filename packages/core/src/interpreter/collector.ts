import { BoundedText } from "../bounded-text.ts";
import { EmberboxError } from "../errors.ts";
import type { JsonObject } from "../wire/ndjson.ts";
import { fileReport, type FileReport } from "./file-change.ts";
import { Execution, Result, type ExecutionError, type Truncation } from "./execution.ts";

/** The most results kept besides the main one. */
const MAX_RESULTS = 1000;
const MAX_REPRESENTATIONS = 1000;
/** About as many bytes as all kept results may take together. */
const MAX_RESULT_COST = 128 * 1024 * 1024;

/** Fields of a result message that are not representations. */
const ENVELOPE: ReadonlySet<string> = new Set(["type", "is_main_result"]);

/** A result that is kept, and about how many bytes that costs. */
interface Kept {
  readonly result: Result;
  readonly cost: number;
}

/** A piece of what the code printed. */
export interface OutputMessage {
  readonly line: string;
  /** When it was printed, in milliseconds since 1970, by the sandbox's clock. */
  readonly timestamp: number;
  /** True for standard error. */
  readonly error: boolean;
}

/**
 * Called as output arrives. If a callback returns a promise, the promise is awaited, which slows the code down. If it
 * throws, the code is stopped and the call rejects with what it threw.
 */
export interface ExecutionCallbacks {
  /** Standard output, piece by piece. */
  readonly onStdout?: ((message: OutputMessage) => unknown) | undefined;
  /** Standard error, piece by piece. */
  readonly onStderr?: ((message: OutputMessage) => unknown) | undefined;
  /** Each result, as soon as it is available, and each later state of one that the code updates. */
  readonly onResult?: ((result: Result) => unknown) | undefined;
  /** The error that ended the code. */
  readonly onError?: ((error: ExecutionError) => unknown) | undefined;
}

/** Gathers the messages of one execution. */
export class ExecutionCollector {
  readonly #callbacks: ExecutionCallbacks;
  readonly #stdout = new BoundedText();
  readonly #stderr = new BoundedText();
  /** By how many results came before. */
  readonly #results = new Map<number, Kept>();
  /** All that ever came. */
  #received = 0;
  /** Those that the code has not cleared. */
  #resultCount = 0;
  #resultCost = 0;
  #error: ExecutionError | undefined;
  #executionCount: number | undefined;
  #files: FileReport | undefined;
  /** Set when the sandbox reported a failure of its own rather than an exception of the code. */
  failure: EmberboxError | undefined;
  /** True once the last message has arrived. */
  ended = false;

  constructor(callbacks: ExecutionCallbacks) {
    this.#callbacks = callbacks;
  }

  /** Takes one message, which costs about `cost` bytes to keep. Await what it returns before the next one. */
  accept(message: JsonObject, cost: number): unknown {
    switch (message["type"]) {
      case "stdout":
        return this.#print(message, false);
      case "stderr":
        return this.#print(message, true);
      case "result":
        return this.#addResult(message, cost);
      case "result_update":
        return this.#updateResult(message, cost);
      case "clear_results":
        this.#results.clear();
        this.#resultCount = this.#resultCost = 0;
        return undefined;
      case "error":
        return this.#addError(message);
      case "number_of_executions":
        this.#executionCount = numberOf(message["execution_count"]);
        return undefined;
      case "files":
        this.#files = fileReport(message["files"], message["truncated"]);
        return undefined;
      case "end_of_execution":
        this.ended = true;
        return undefined;
      default:
        return undefined;
    }
  }

  /** The execution so far. */
  execution(): Execution {
    return new Execution({
      results: Array.from(this.#results.values(), ({ result }) => result),
      logs: { stdout: this.#stdout.pieces(), stderr: this.#stderr.pieces() },
      error: this.#error,
      executionCount: this.#executionCount,
      truncated: this.#truncation(),
      files: this.#files?.files,
    });
  }

  #print(message: JsonObject, error: boolean): unknown {
    const line = stringOf(message["text"]);
    (error ? this.#stderr : this.#stdout).push(line);
    const callback = error ? this.#callbacks.onStderr : this.#callbacks.onStdout;
    return callback?.({ line, timestamp: timeOf(message["timestamp"]), error });
  }

  #addResult(message: JsonObject, cost: number): unknown {
    const result = resultOf(message);
    const index = this.#received++;
    this.#resultCount += 1;
    this.#resultCost += cost;
    const fits = this.#results.size < MAX_RESULTS && this.#resultCost <= MAX_RESULT_COST;
    const isFirstMain =
      result.isMainResult && ![...this.#results.values()].some((kept) => kept.result.isMainResult);
    if (fits || isFirstMain) this.#results.set(index, { result, cost });
    return this.#callbacks.onResult?.(result);
  }

  #updateResult(message: JsonObject, cost: number): unknown {
    const { index, ...representations } = message;
    const result = resultOf(representations);
    const before = this.#results.get(Number(index));
    if (before === undefined) return undefined;
    this.#resultCost += cost - before.cost;
    // The last state of a result that no longer fits is not known, which is told as for any that is missing.
    if (this.#resultCost <= MAX_RESULT_COST) this.#results.set(Number(index), { result, cost });
    else this.#results.delete(Number(index));
    return this.#callbacks.onResult?.(result);
  }

  #addError(message: JsonObject): unknown {
    const value = stringOf(message["value"]);
    this.failure ??= failureFrom(message, value);
    if (this.failure !== undefined) return undefined;
    const error = {
      name: stringOf(message["name"]),
      value,
      traceback: tracebackOf(message["traceback"]),
    };
    this.#error = error;
    return this.#callbacks.onError?.(error);
  }

  #truncation(): Truncation | undefined {
    const truncation = {
      ...(this.#stdout.truncated && { stdoutBytes: this.#stdout.totalBytes }),
      ...(this.#stderr.truncated && { stderrBytes: this.#stderr.totalBytes }),
      ...(this.#files?.truncated && { files: true }),
      ...(this.#resultCount > this.#results.size && { results: this.#resultCount }),
    };
    return Object.keys(truncation).length > 0 ? truncation : undefined;
  }
}

function resultOf(message: JsonObject): Result {
  if (Object.keys(message).length > MAX_REPRESENTATIONS)
    throw new EmberboxError("protocol_error", "The sandbox sent a result that is none");
  const raw = Object.fromEntries(Object.entries(message).filter(([name]) => !ENVELOPE.has(name)));
  return new Result(raw, message["is_main_result"] === true);
}

/** Reaching a limit fails the call; anything else that ends the code is part of its result. */
function failureFrom(message: JsonObject, value: string): EmberboxError | undefined {
  const restarted = message["restarted"] === true;
  if (message["reason"] === "timeout") {
    const traceback = tracebackOf(message["traceback"]);
    return new EmberboxError("timeout", value || "The code ran into its time limit", {
      details: { restarted, traceback },
    });
  }
  if (message["reason"] === "out_of_memory") {
    const limitMB = numberOf(message["limit_mb"]);
    const limit = limitMB === undefined ? "" : ` of ${limitMB} MiB`;
    return new EmberboxError(
      "out_of_memory",
      value || `The code needed more memory than the limit${limit}`,
      {
        details: { restarted, limitMB },
      },
    );
  }
  return undefined;
}

function tracebackOf(value: unknown): string {
  return Array.isArray(value) ? value.map(stringOf).join("\n") : stringOf(value);
}

function stringOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

function timeOf(value: unknown): number {
  const time = typeof value === "string" ? Date.parse(value) : Number(value);
  return Number.isNaN(time) ? Date.now() : time;
}
