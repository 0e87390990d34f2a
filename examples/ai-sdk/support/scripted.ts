import { MockLanguageModelV4 } from "ai/test";

const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: 1, text: 1, reasoning: undefined },
};

/** Stands in for a model: it makes one call, and then says the last words. */
export function scripted(toolName: string, input: object, lastWords: string): MockLanguageModelV4 {
  let called = false;
  return new MockLanguageModelV4({
    doGenerate: async () => {
      if (called) {
        const content = [{ type: "text" as const, text: lastWords }];
        return {
          content,
          finishReason: { unified: "stop", raw: undefined },
          usage,
          warnings: [],
        };
      }
      called = true;
      const toolCallId = crypto.randomUUID();
      const call = { type: "tool-call" as const, toolCallId, toolName };
      return {
        content: [{ ...call, input: JSON.stringify(input) }],
        finishReason: { unified: "tool-calls", raw: undefined },
        usage,
        warnings: [],
      };
    },
  });
}
