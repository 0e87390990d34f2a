import type { CallbackManagerForToolRun } from "@langchain/core/callbacks/manager";
import type { ToolContext } from "@emberbox/core/tools";

/** What `streamMode: "custom"` yields while a tool runs. */
export interface SandboxOutput {
  readonly type: "sandbox_output";
  readonly toolCallId: string | undefined;
  /** The tool's name. */
  readonly name: string;
  readonly stream: "stdout" | "stderr";
  readonly text: string;
}

interface OutputChannels {
  readonly name: string;
  readonly toolCallId: string | undefined;
  readonly runManager: Partial<Pick<CallbackManagerForToolRun, "handleToolEvent">> | undefined;
  readonly writer: ((chunk: SandboxOutput) => unknown) | null | undefined;
}

/**
 * Sends output through both of LangGraph's channels: as text to `streamMode: "tools"` and `streamEvents`, and with its
 * stream's name to `streamMode: "custom"`. The work goes on when nobody listens any more.
 */
export function liveOutput(channels: OutputChannels): NonNullable<ToolContext["onOutput"]> {
  const { name, toolCallId, runManager, writer } = channels;
  return async ({ stream, text }) => {
    try {
      writer?.({ type: "sandbox_output", toolCallId, name, stream, text });
      await runManager?.handleToolEvent?.(text);
    } catch {
      // The listener is gone; the result still counts.
    }
  };
}
