import { AIMessage, ToolMessage, type BaseMessage } from "@langchain/core/messages";
import type { DynamicStructuredTool } from "@langchain/core/tools";
import { fakeModel } from "@langchain/core/testing";
import type { ToolAnswer, ToolCallOptions } from "@emberbox/conformance";
import { createAgent } from "langchain";
import type { SandboxArtifact } from "../../src/index.ts";

/** Makes one tool call through an agent with a scripted model. */
export async function callThroughAgent(
  tools: DynamicStructuredTool[],
  name: string,
  args: unknown,
  { signal, onOutput, threadId }: ToolCallOptions = {},
): Promise<ToolAnswer> {
  const model = fakeModel()
    .respondWithTools([{ name, args: args as Record<string, unknown>, id: "call-1" }])
    .respond(new AIMessage("done"));
  const agent = createAgent({ model, tools });
  const stream = await agent.stream(
    { messages: [{ role: "user", content: "go" }] },
    {
      streamMode: ["custom", "values"],
      configurable: { ...(threadId !== undefined && { thread_id: threadId }) },
      ...(signal && { signal }),
    },
  );
  let messages: BaseMessage[] = [];
  for await (const [mode, chunk] of stream) {
    if (mode === "values") ({ messages } = chunk as { messages: BaseMessage[] });
    else onOutput?.((chunk as { text: string }).text);
  }
  const message = messages.find((message) => ToolMessage.isInstance(message))!;
  const { pictures } = message.artifact as SandboxArtifact;
  return { text: message.text, isError: message.status === "error", pictures };
}
