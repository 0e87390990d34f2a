import type { SandboxProvider } from "@emberbox/core/provider";
import type { ToolName, ToolPicture } from "@emberbox/core/tools";
import type { Expect } from "./harness.ts";

/** What a model or a program sees of one call. */
export interface ToolAnswer {
  readonly text: string;
  readonly isError: boolean;
  readonly pictures: readonly Pick<ToolPicture, "mimeType" | "base64">[];
}

/** What a call is given besides its arguments. */
export interface ToolCallOptions {
  readonly signal?: AbortSignal;
  /** Must be called with output as it arrives, however the framework delivers it. */
  readonly onOutput?: (text: string) => void;
  readonly threadId?: string;
}

/** The tools, called as an agent of the framework would call them; closed at the end. */
export interface ToolSubject extends AsyncDisposable {
  /** Calls a tool. @throws the signal's reason when it is aborted, and nothing else: a failure is an answer */
  call(tool: ToolName, input: unknown, options?: ToolCallOptions): Promise<ToolAnswer>;
}

export interface ToolHarness {
  readonly expect: Expect;
  behaviour(id: string, body: (subject: ToolSubject) => Promise<void>): void;
  provider(): SandboxProvider;
}
