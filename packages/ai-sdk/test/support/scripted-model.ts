import { MockLanguageModelV4 } from "ai/test";

export interface ScriptedCall {
  readonly name: string;
  readonly args: unknown;
}

type Result = Awaited<ReturnType<MockLanguageModelV4["doGenerate"]>>;
type StreamResult = Awaited<ReturnType<MockLanguageModelV4["doStream"]>>;
type Chunk = StreamResult["stream"] extends ReadableStream<infer Part> ? Part : never;

const usage: Result["usage"] = {
  inputTokens: { total: 1, noCache: 1, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: 1, text: 1, reasoning: undefined },
};

/** The SDK's own model for tests: it makes these calls, one array per step, and then says that it is done. */
export function scriptedModel(...steps: readonly (readonly ScriptedCall[])[]): MockLanguageModelV4 {
  let ids = 0;
  const contents = steps.map((calls) =>
    calls.map(({ name, args }) => ({
      type: "tool-call" as const,
      toolCallId: `call-${(ids += 1)}`,
      toolName: name,
      input: JSON.stringify(args),
    })),
  );
  const ending = (at: number): Result["finishReason"] => ({
    unified: at < steps.length ? "tool-calls" : "stop",
    raw: undefined,
  });
  let [generated, streamed] = [0, 0];
  return new MockLanguageModelV4({
    doGenerate: async () => {
      const at = generated++;
      const content = contents[at] ?? [{ type: "text" as const, text: "done" }];
      return { content, finishReason: ending(at), usage, warnings: [] };
    },
    doStream: async () => {
      const at = streamed++;
      const words: Chunk[] = [
        { type: "text-start", id: "t" },
        { type: "text-delta", id: "t", delta: "done" },
        { type: "text-end", id: "t" },
      ];
      const chunks: Chunk[] = [
        { type: "stream-start", warnings: [] },
        ...(contents[at] ?? words),
        { type: "finish", finishReason: ending(at), usage },
      ];
      return { stream: ReadableStream.from(chunks) as ReadableStream<Chunk> };
    },
  });
}

type Prompt = MockLanguageModelV4["doGenerateCalls"][number]["prompt"];
type ToolParts = Extract<Prompt[number], { role: "tool" }>["content"];
export type ToolOutput = Extract<ToolParts[number], { type: "tool-result" }>["output"];

/** The tool results that the model saw before its last answer, in the order of the calls. */
export function resultsSeen(model: MockLanguageModelV4): ToolOutput[] {
  const prompt = [...model.doGenerateCalls, ...model.doStreamCalls].at(-1)!.prompt;
  return prompt
    .filter((message) => message.role === "tool")
    .flatMap(({ content }) => content)
    .flatMap((part) => (part.type === "tool-result" ? [part.output] : []));
}

/** The text of an output. */
export function textOf(output: ToolOutput | undefined): string {
  if (output?.type === "text" || output?.type === "error-text") return output.value;
  if (output?.type !== "content") return JSON.stringify(output);
  return output.value.map((part) => (part.type === "text" ? part.text : "")).join("");
}
