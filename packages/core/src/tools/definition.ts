import type { Sandbox } from "../sandbox.ts";
import type { SandboxFacts } from "./facts.ts";
import type { InputSchema } from "./input.ts";
import type { ToolData, ToolFile, ToolName, ToolOutput, ToolPicture } from "./types.ts";

/** Limits on what a call may take and return. */
export interface ToolLimits {
  /** How long code or a command may run unless the call says otherwise, in milliseconds. @default 60_000 */
  readonly timeoutMs: number;
  /** The longest time limit that a call may ask for, in milliseconds. @default 600_000 */
  readonly maxTimeoutMs: number;
  /** The most bytes shown of each stream, or of a file. @default 20_000 */
  readonly maxOutputBytes: number;
  /** The most bytes of one picture. @default 3_500_000 */
  readonly maxPictureBytes: number;
  /** The most bytes of all pictures in one result. @default 12_000_000 */
  readonly maxTotalPictureBytes: number;
  /** The most pictures in one result. @default 8 */
  readonly maxPictures: number;
}

/** What one call works with. */
export interface ToolRun {
  readonly sandbox: Sandbox;
  readonly signal: AbortSignal | undefined;
  readonly onOutput: ((output: ToolOutput) => unknown) | undefined;
  readonly limits: ToolLimits;
  readonly reportFiles: boolean;
  /** True when a sandbox that is gone will be replaced by another. */
  readonly replaced: boolean;
}

/** What a tool returns; the rest of a result is the same for all tools. */
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
  /** True when it changes nothing; it then runs in parallel with others. */
  readonly readOnly: boolean;
  readonly schema: InputSchema<Input>;
  describe(facts: SandboxFacts, limits: ToolLimits): string;
  /** May throw: a failure becomes text. */
  run(input: Input, run: ToolRun): Promise<Outcome>;
}

export function failed(text: string, data?: Partial<ToolData>): Outcome {
  return { text, isError: true, ...(data !== undefined && { data }) };
}
