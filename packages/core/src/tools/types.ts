import type { Chart } from "../interpreter/chart.ts";
import type { ConversationPlace, SandboxPosition } from "../sessions/position.ts";

/** The names of the tools; a set may add a prefix. */
export type ToolName =
  | "run_code"
  | "run_command"
  | "read_file"
  | "write_file"
  | "edit_file"
  | "list_files";

/** A piece of output, as it arrives. */
export interface ToolOutput {
  readonly stream: "stdout" | "stderr";
  readonly text: string;
}

/** What a framework knows about one call. */
export interface ToolContext {
  /** Aborts the work in the sandbox; the call then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Called with output as it arrives. If it returns a promise, the promise is awaited; if it throws, the call rejects
   * with that error.
   */
  readonly onOutput?: ((output: ToolOutput) => unknown) | undefined;
  readonly toolCallId?: string | undefined;
  /** The conversation; each has a sandbox of its own. */
  readonly threadId?: string | undefined;
  /** Where the conversation is, with `checkpoints`; its machine is put there first. @default where its machine is */
  readonly place?: ConversationPlace | undefined;
  /** The agent's name, which becomes a label of a sandbox that is created for the call. */
  readonly agent?: string | undefined;
}

/** A picture for a model that can see. */
export interface ToolPicture {
  /** Such as `image/png`. */
  readonly mimeType: string;
  readonly base64: string;
  readonly sizeBytes: number;
  /** Its path in the sandbox, when it is a file. */
  readonly path?: string;
}

/** A file in the sandbox that the call created, changed or read, or to which it saved output. */
export interface ToolFile {
  readonly path: string;
  readonly mimeType: string;
  readonly sizeBytes: number;
  /** `output` marks a file with output that was too long or too large for the result. */
  readonly change: "created" | "modified" | "read" | "output";
}

/** A data frame, as columns by name. */
export interface ToolTable {
  readonly columns: Readonly<Record<string, readonly unknown[]>>;
  /** Number of rows in the whole data frame, when not all are here. */
  readonly totalRows?: number;
}

/** A directory entry. */
export interface ToolEntry {
  readonly path: string;
  readonly type: "file" | "dir" | "symlink" | "other";
  readonly sizeBytes: number;
}

/** The result for programs: what the text says, field by field. Output is cut in the same way as in the text. */
export interface ToolData {
  readonly durationMs: number;
  readonly timedOut: boolean;
  readonly outOfMemory: boolean;
  /** True when something was left out of the text. */
  readonly truncated: boolean;
  /** Exit code of a command; -1 when a signal ended it. */
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
  /** How many occurrences an edit replaced. */
  readonly replacements?: number;
  /** The range of lines that was read, counted from 1 and inclusive, and whether more follow. */
  readonly lines?: { readonly first: number; readonly last: number; readonly more: boolean };
  /** The code of the `EmberboxError` with which the call failed, if any. */
  readonly errorCode?: string;
  readonly sandboxId?: string;
  /** The checkpoint before the call, with `checkpoints`: to undo the call, roll back to it. */
  readonly checkpointId?: string;
  /** Where the machine is after the call, with `checkpoints`. */
  readonly position?: SandboxPosition;
}

/** The result of a call, as plain JSON. A failure is a result, too, with text that a model can act on. */
export interface ToolResult {
  readonly status: "done";
  readonly tool: ToolName;
  readonly isError: boolean;
  /** For the model; complete without the pictures. */
  readonly text: string;
  readonly pictures: readonly ToolPicture[];
  readonly files: readonly ToolFile[];
  readonly data: ToolData;
}

/** A call that is still running: the last of its output, small enough to be sent often. */
export interface ToolProgress {
  readonly status: "running";
  readonly tool: ToolName;
  readonly stdout: string;
  readonly stderr: string;
  /** Bytes printed so far, on both streams. */
  readonly outputBytes: number;
  readonly elapsedMs: number;
}
