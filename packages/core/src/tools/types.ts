import type { Chart } from "../interpreter/chart.ts";

/** The names under which the tools are known here; a set may show them with a prefix. */
export type ToolName =
  | "run_code"
  | "run_command"
  | "read_file"
  | "write_file"
  | "edit_file"
  | "list_files";

/** A piece of output, as it comes. */
export interface ToolOutput {
  readonly stream: "stdout" | "stderr";
  readonly text: string;
}

/** What a framework knows of one call. */
export interface ToolContext {
  /** An abort stops the work in the sandbox; the call then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Called with output as it comes; one that returns a promise is waited for. The call rejects with what it throws. */
  readonly onOutput?: ((output: ToolOutput) => unknown) | undefined;
  readonly toolCallId?: string | undefined;
  /** The conversation; each has a sandbox of its own. */
  readonly threadId?: string | undefined;
}

/** A picture for a model that sees. */
export interface ToolPicture {
  /** Such as `image/png`. */
  readonly mimeType: string;
  readonly base64: string;
  readonly sizeBytes: number;
  /** Where it is in the sandbox, when it is a file. */
  readonly path?: string;
}

/** A file in the sandbox that the call made, changed, read, or put output into. */
export interface ToolFile {
  readonly path: string;
  readonly mimeType: string;
  readonly sizeBytes: number;
  /** `output`: what was too long or too large for the result. */
  readonly change: "created" | "modified" | "read" | "output";
}

/** A data frame, its columns by name. */
export interface ToolTable {
  readonly columns: Readonly<Record<string, readonly unknown[]>>;
  /** Rows of the whole, when not all are here. */
  readonly totalRows?: number;
}

export interface ToolEntry {
  readonly path: string;
  readonly type: "file" | "dir" | "symlink" | "other";
  readonly sizeBytes: number;
}

/** The result for programs: what the text says, field by field. Output is cut as it is in the text. */
export interface ToolData {
  readonly durationMs: number;
  readonly timedOut: boolean;
  readonly outOfMemory: boolean;
  /** True when something was left out of the text. */
  readonly truncated: boolean;
  /** Of a command; -1 when a signal ended it. */
  readonly exitCode?: number;
  readonly stdout?: string;
  readonly stderr?: string;
  /** The text of the last expression's value. */
  readonly value?: string;
  /** The exception that the code raised. */
  readonly exception?: { readonly name: string; readonly message: string };
  readonly charts?: readonly Chart[];
  readonly tables?: readonly ToolTable[];
  readonly entries?: readonly ToolEntry[];
  /** Of an edit. */
  readonly replacements?: number;
  /** Of a read by lines: the first and the last that are here, counted from 1, and whether more follow. */
  readonly lines?: { readonly first: number; readonly last: number; readonly more: boolean };
  /** A code of `EmberboxError`, when the call failed with one. */
  readonly errorCode?: string;
  readonly sandboxId?: string;
}

/** What a call gave. Plain JSON, also when it failed: a failure is text that a model can act on. */
export interface ToolResult {
  readonly status: "done";
  readonly tool: ToolName;
  readonly isError: boolean;
  /** For the model; whole without the pictures. */
  readonly text: string;
  readonly pictures: readonly ToolPicture[];
  readonly files: readonly ToolFile[];
  readonly data: ToolData;
}

/** A call that still runs: the last of its output, small enough to be sent often. */
export interface ToolProgress {
  readonly status: "running";
  readonly tool: ToolName;
  readonly stdout: string;
  readonly stderr: string;
  /** Bytes printed so far, on both streams. */
  readonly outputBytes: number;
  readonly elapsedMs: number;
}
