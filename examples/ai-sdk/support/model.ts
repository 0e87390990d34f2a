import { anthropic } from "@ai-sdk/anthropic";
import { openai } from "@ai-sdk/openai";
import type { LanguageModel } from "ai";
import { MockLanguageModelV4 } from "ai/test";

const slow = `import time
for price in prices:
    print(price)
    time.sleep(0.5)`;
const chart = `import matplotlib.pyplot as plt
plt.bar(["a", "b", "c"], prices)
plt.show()`;

export type ScriptedCall = readonly [toolName: string, input: object];

/** The scripted model makes a typical mistake, and recovers from it. */
const prices: readonly ScriptedCall[] = [
  ["run_code", { code: 'prices = [3, 5, 8]\nprint(f"{len(price)} prices")' }],
  ["run_code", { code: slow }],
  ["run_code", { code: chart }],
  ["write_file", { path: "prices.csv", content: "item,price\na,3\nb,5\nc,8\n" }],
  ["run_command", { command: "wc -l prices.csv" }],
];

/** A real model when there is a key for one, otherwise a scripted one. */
export function modelOr(calls: readonly ScriptedCall[], answer: string): LanguageModel {
  if (process.env["ANTHROPIC_API_KEY"]) return anthropic("claude-sonnet-5-5");
  if (process.env["OPENAI_API_KEY"]) return openai("gpt-5-mini");
  return scripted(calls, answer);
}

/** The SDK's own model for tests: one call per step, and then the answer. */
function scripted(calls: readonly ScriptedCall[], answer: string): MockLanguageModelV4 {
  const results = calls.map(([toolName, input], at): Generated => {
    const call = { toolCallId: `call-${at}`, toolName, input: JSON.stringify(input) };
    return step({ type: "tool-call", ...call }, "tool-calls");
  });
  results.push(step({ type: "text", text: answer }, "stop"));
  return new MockLanguageModelV4({ doGenerate: results, doStream: results.map(streamed) });
}

type Generated = Awaited<ReturnType<MockLanguageModelV4["doGenerate"]>>;
type Streamed = Awaited<ReturnType<MockLanguageModelV4["doStream"]>>;
type Chunk = Streamed["stream"] extends ReadableStream<infer Part> ? Part : never;

function step(part: Generated["content"][number], unified: "tool-calls" | "stop"): Generated {
  const usage = {
    inputTokens: { total: 1, noCache: 1, cacheRead: undefined, cacheWrite: undefined },
    outputTokens: { total: 1, text: 1, reasoning: undefined },
  };
  return { content: [part], finishReason: { unified, raw: undefined }, usage, warnings: [] };
}

function streamed({ content, finishReason, usage }: Generated): Streamed {
  const chunks = content.flatMap((part): Chunk[] => {
    if (part.type === "tool-call") return [part];
    const text = part.type === "text" ? part.text : "";
    return [
      { type: "text-start", id: "t" },
      { type: "text-delta", id: "t", delta: text },
      { type: "text-end", id: "t" },
    ];
  });
  const stream = ReadableStream.from<Chunk>([
    { type: "stream-start", warnings: [] },
    ...chunks,
    { type: "finish", finishReason, usage },
  ]);
  return { stream: stream as Streamed["stream"] };
}

export const model: LanguageModel = modelOr(
  prices,
  "The chart is drawn, and prices.csv has the prices.\n",
);
