import { chartFrom, type Chart } from "./chart.ts";
import type { FileChange } from "./file-change.ts";
import type { JsonObject } from "../wire/ndjson.ts";

const textFormats = [
  "text",
  "html",
  "markdown",
  "svg",
  "png",
  "jpeg",
  "pdf",
  "latex",
  "javascript",
] as const;
const formats = [...textFormats, "json", "data", "chart"] as const;

/** One thing that the code displayed, in every representation that the interpreter provided. */
export class Result {
  /** True for the value of the last expression; false for anything displayed before. */
  readonly isMainResult: boolean;
  readonly text: string | undefined;
  readonly html: string | undefined;
  readonly markdown: string | undefined;
  readonly svg: string | undefined;
  /** Base64. */
  readonly png: string | undefined;
  /** Base64. */
  readonly jpeg: string | undefined;
  /** Base64. */
  readonly pdf: string | undefined;
  readonly latex: string | undefined;
  readonly javascript: string | undefined;
  readonly json: unknown;
  /** A data frame's columns by name; dates are ISO 8601, missing values `null`, integers beyond 2^53 text. */
  readonly data: Readonly<Record<string, readonly unknown[]>> | undefined;
  /** Number of rows in the whole data frame, when `data` holds only the first ones. */
  readonly dataRows: number | undefined;
  /** What a figure shows, as data. */
  readonly chart: Chart | undefined;
  /** Representations of other kinds, by their MIME type. */
  readonly extra: Readonly<Record<string, unknown>> | undefined;
  /** Every representation as the sandbox sent it. */
  readonly raw: Readonly<Record<string, unknown>>;

  constructor(raw: Readonly<Record<string, unknown>>, isMainResult: boolean) {
    this.raw = raw;
    this.isMainResult = isMainResult;
    this.text = textOf(raw, "text");
    this.html = textOf(raw, "html");
    this.markdown = textOf(raw, "markdown");
    this.svg = textOf(raw, "svg");
    this.png = textOf(raw, "png");
    this.jpeg = textOf(raw, "jpeg");
    this.pdf = textOf(raw, "pdf");
    this.latex = textOf(raw, "latex");
    this.javascript = textOf(raw, "javascript");
    this.json = raw["json"];
    this.data = columnsOf(raw["data"]);
    this.dataRows = typeof raw["data_rows"] === "number" ? raw["data_rows"] : undefined;
    this.chart = chartFrom(raw["chart"]);
    this.extra = objectOf(raw["extra"]);
  }

  /** Names of the representations present, such as `["text", "png"]`. */
  formats(): string[] {
    return [
      ...formats.filter((name) => this[name] !== undefined),
      ...Object.keys(this.extra ?? {}),
    ];
  }

  /** The representations present, for `JSON.stringify`. */
  toJSON(): Record<string, unknown> {
    const present = formats
      .filter((name) => this[name] !== undefined)
      .map((name) => [name, this[name]]);
    const extra = this.extra === undefined ? {} : { extra: this.extra };
    return { isMainResult: this.isMainResult, ...Object.fromEntries(present), ...extra };
  }
}

/** An exception that the code raised: a result of running it, not a failure of the call. */
export interface ExecutionError {
  /** The exception's class, such as `ZeroDivisionError`. */
  readonly name: string;
  readonly value: string;
  /** May contain terminal colours. */
  readonly traceback: string;
}

/** What was printed, in pieces as they arrived; the first and last 5 MiB of each stream. */
export interface Logs {
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
}

/** Full sizes of what was kept only in part; callbacks have seen everything. */
export interface Truncation {
  /** Bytes printed to standard output, when not all were kept. */
  readonly stdoutBytes?: number;
  /** Bytes printed to standard error, when not all were kept. */
  readonly stderrBytes?: number;
  /** Number of results, when not all were kept. */
  readonly results?: number;
  /** True when there were more files than are checked or reported. */
  readonly files?: boolean;
}

/** What an `Execution` is made of. */
export interface ExecutionFields {
  readonly results: readonly Result[];
  readonly logs: Logs;
  readonly error?: ExecutionError | undefined;
  readonly executionCount?: number | undefined;
  readonly truncated?: Truncation | undefined;
  readonly files?: readonly FileChange[] | undefined;
}

/** The outcome of running a piece of code. */
export class Execution {
  readonly results: readonly Result[];
  readonly logs: Logs;
  readonly error: ExecutionError | undefined;
  /** The interpreter's counter, as in `In [3]`. */
  readonly executionCount: number | undefined;
  /** Set when the output was too large to be kept whole. */
  readonly truncated: Truncation | undefined;
  /**
   * Files that the code created or changed below its working directory, by path; set when `reportFiles` asked for them.
   */
  readonly files: readonly FileChange[] | undefined;

  constructor(fields: ExecutionFields) {
    this.results = fields.results;
    this.logs = fields.logs;
    this.error = fields.error;
    this.executionCount = fields.executionCount;
    this.truncated = fields.truncated;
    this.files = fields.files;
  }

  /** The text of the last expression's value. */
  get text(): string | undefined {
    return this.results.find((result) => result.isMainResult)?.text;
  }

  /** Its fields and `text`, for `JSON.stringify`. */
  toJSON(): Record<string, unknown> {
    const { results, logs, error, executionCount, truncated, files, text } = this;
    return { text, results, logs, error, executionCount, truncated, files };
  }
}

function textOf(raw: JsonObject, name: string): string | undefined {
  const value = raw[name];
  return typeof value === "string" ? value : undefined;
}

function columnsOf(value: unknown): Readonly<Record<string, readonly unknown[]>> | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return Object.values(value).every(Array.isArray)
    ? (value as Record<string, unknown[]>)
    : undefined;
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null
    ? (value as Record<string, unknown>)
    : undefined;
}
