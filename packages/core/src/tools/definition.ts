import type { Sandbox } from "../sandbox.ts";
import type { SandboxFacts } from "./facts.ts";
import type { InputSchema } from "./input.ts";
import type { ToolData, ToolFile, ToolName, ToolOutput, ToolPicture } from "./types.ts";

export interface ToolLimits {
  /** How long code or a command may run when the call does not say, in milliseconds. @default 60_000 */
  readonly timeoutMs: number;
  /** The most that a call may ask for. @default 600_000 */
  readonly maxTimeoutMs: number;
  /** Bytes of each stream, and of a file, in a text. @default 20_000 */
  readonly maxOutputBytes: number;
  /** Bytes of one picture. @default 3_500_000 */
  readonly maxPictureBytes: number;
  /** Pictures of one call. @default 8 */
  readonly maxPictures: number;
}

/** What one call works with. */
export interface ToolRun {
  readonly sandbox: Sandbox;
  readonly signal: AbortSignal | undefined;
  readonly onOutput: ((output: ToolOutput) => unknown) | undefined;
  readonly limits: ToolLimits;
  readonly reportFiles: boolean;
  /** True when the sandbox, once gone, is followed by another. */
  readonly replaced: boolean;
}

/** What a tool gives; the rest of a result is the same for all. */
export interface Outcome {
  readonly text: string;
  readonly isError?: boolean;
  readonly pictures?: readonly ToolPicture[];
  readonly files?: readonly ToolFile[];
  readonly data?: Partial<ToolData>;
}

export interface ToolDefinition<Input> {
  readonly name: ToolName;
  readonly title: string;
  /** True when it changes nothing: it then runs beside others. */
  readonly readOnly: boolean;
  readonly schema: InputSchema<Input>;
  describe(facts: SandboxFacts, limits: ToolLimits): string;
  /** A failure may be thrown: it becomes text. */
  run(input: Input, run: ToolRun): Promise<Outcome>;
}

export function failed(text: string, data?: Partial<ToolData>): Outcome {
  return { text, isError: true, ...(data !== undefined && { data }) };
}
