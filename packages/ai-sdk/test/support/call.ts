import type { ToolAnswer, ToolCallOptions } from "@emberbox/conformance";
import { isStepCount, streamText } from "ai";
import type { SandboxOutput, SandboxToolSet } from "../../src/index.ts";
import { resultsSeen, scriptedModel, textOf } from "./scripted-model.ts";

/** Makes one tool call in a run of the SDK with a scripted model; returns what the model sees. */
export async function callThroughModel(
  sandbox: SandboxToolSet,
  name: string,
  args: unknown,
  { signal, onOutput, threadId }: ToolCallOptions = {},
): Promise<ToolAnswer> {
  const model = scriptedModel([{ name, args }]);
  const { stream } = streamText({
    model,
    tools: sandbox.tools,
    stopWhen: isStepCount(2),
    prompt: "go",
    experimental_sandbox: sandbox.session(threadId),
    onError: () => {},
    ...(signal && { abortSignal: signal }),
  });
  for await (const part of stream) {
    if (part.type === "abort") throw signal?.reason;
    if (part.type === "error") throw part.error;
    if (part.type !== "tool-result" || part.preliminary !== true) continue;
    const output = part.output as SandboxOutput;
    // The final value is also sent as a preliminary one.
    if (output.status === "running") onOutput?.(output.stdout + output.stderr);
  }
  const [output] = resultsSeen(model);
  const parts = output?.type === "content" ? output.value : [];
  return {
    text: textOf(output),
    isError: output?.type === "error-text",
    pictures: parts.flatMap((part) =>
      part.type === "file" && part.data.type === "data"
        ? [{ mimeType: part.mediaType, base64: String(part.data.data) }]
        : [],
    ),
  };
}
