import { ToolMessage } from "@langchain/core/messages";
import { DynamicStructuredTool, type ToolRunnableConfig } from "@langchain/core/tools";
import type { SandboxTool, ToolResult } from "@emberbox/core/tools";
import { placeOf } from "./checkpoints/place.ts";
import { leaveAt } from "./checkpoints/tool-call.ts";
import { liveOutput, type SandboxOutput } from "./live-output.ts";

/** The `artifact` of a tool message: plain JSON, so that checkpoints keep it. Pictures are here and not in the text. */
export type SandboxArtifact = Pick<ToolResult, "tool" | "isError" | "pictures" | "files" | "data">;

/** What an agent's runtime adds to a tool's configuration. */
export interface ToolRuntimeConfig extends ToolRunnableConfig {
  readonly state?: unknown;
  readonly writer?: ((chunk: SandboxOutput) => unknown) | null;
}

/** Picks the conversation that a call belongs to. */
export type ThreadOf = (config: ToolRuntimeConfig) => string | undefined;

/** LangGraph's thread id, so that each conversation has its own sandbox. */
export function threadOf({ configurable }: ToolRuntimeConfig): string | undefined {
  const id: unknown = configurable?.["thread_id"];
  return typeof id === "string" || typeof id === "number" ? String(id) : undefined;
}

/** The name that an agent was given, as LangGraph's metadata have it. */
export function agentOf({ metadata }: Pick<ToolRuntimeConfig, "metadata">): string | undefined {
  const name: unknown = metadata?.["lc_agent_name"];
  return typeof name === "string" ? name : undefined;
}

/**
 * A sandbox's tool for LangChain. It is not made by `tool()`, which leaves the work running after an abort, and never
 * settles when the signal is already aborted.
 */
export function langchainTool(tool: SandboxTool, thread: ThreadOf): DynamicStructuredTool {
  return new DynamicStructuredTool({
    name: tool.name,
    description: tool.description,
    // With `responseFormat`, LangChain sends the tools with `strict: true`, which OpenAI refuses for any other form.
    schema: tool.strictInputSchema,
    responseFormat: "content_and_artifact",
    func: async (input: unknown, runManager, config: ToolRuntimeConfig = {}) => {
      const toolCallId = config.toolCall?.id;
      const { signal, writer } = config;
      const result = await tool.execute(input, {
        signal,
        toolCallId,
        threadId: thread(config),
        place: placeOf(config),
        agent: agentOf(config),
        onOutput: liveOutput({ name: tool.name, toolCallId, runManager, writer }),
      });
      leaveAt(result.data.position);
      return [content(result, tool.name, toolCallId), artifactOf(result)];
    },
  }) as unknown as DynamicStructuredTool;
}

function artifactOf({ tool, isError, pictures, files, data }: ToolResult): SandboxArtifact {
  return { tool, isError, pictures, files, data };
}

/**
 * Always text, since any other content breaks with some provider. A failure needs a message of its own to be marked as
 * one.
 */
function content(
  result: ToolResult,
  name: string,
  toolCallId: string | undefined,
): string | ToolMessage {
  if (!result.isError || toolCallId === undefined) return result.text;
  return new ToolMessage({
    status: "error",
    content: result.text,
    artifact: artifactOf(result),
    tool_call_id: toolCallId,
    name,
  });
}
