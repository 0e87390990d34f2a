import { ChatAnthropic } from "@langchain/anthropic";
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { AIMessage, HumanMessage, ToolMessage } from "@langchain/core/messages";
import { ChatGoogleGenerativeAI } from "@langchain/google-genai";
import { ChatOllama } from "@langchain/ollama";
import { ChatOpenAI } from "@langchain/openai";
import { createAgent, providerStrategy } from "langchain";
import { afterEach, expect, test, vi } from "vitest";
import { z } from "zod";
import { createSandboxMiddleware } from "./middleware/index.ts";
import { createSandboxTools, type SandboxArtifact } from "./index.ts";

// What each provider's class sends for a conversation with a picture, a failed call and a cancelled one.
const base64 =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const artifact: SandboxArtifact = {
  tool: "run_code",
  isError: false,
  pictures: [{ mimeType: "image/png", base64, sizeBytes: 70 }],
  files: [],
  data: { durationMs: 1, timedOut: false, outOfMemory: false, truncated: false },
};
const called = (id: string, name: string, args: Record<string, unknown>): AIMessage =>
  new AIMessage({ content: "", tool_calls: [{ id, name, args, type: "tool_call" }] });
const result = { name: "run_code", tool_call_id: "call_1" };
const conversation = [
  new HumanMessage("Draw it."),
  called("call_1", "run_code", { code: "plt.show()" }),
  new ToolMessage({ ...result, content: "The code gave a picture.", artifact }),
  called("call_2", "run_command", { command: "sleep 60" }),
  new HumanMessage("Stop. What does it show?"),
];

type Wire = Record<string, any>;

async function sent(make: (fetch: typeof globalThis.fetch) => BaseChatModel): Promise<Wire> {
  const bodies: Wire[] = [];
  const fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const body = input instanceof Request ? await input.text() : String(init?.body);
    bodies.push(JSON.parse(body) as Wire);
    return Response.json({ error: { message: "captured" } }, { status: 400 });
  };
  vi.stubGlobal("fetch", fetch);
  await using middleware = createSandboxMiddleware({}, { include: ["run_code", "run_command"] });
  const agent = createAgent({ model: make(fetch), tools: [], middleware: [middleware] });
  await expect(agent.invoke({ messages: conversation })).rejects.toThrow();
  return bodies[0]!;
}

afterEach(() => {
  vi.unstubAllGlobals();
});

const url = `data:image/png;base64,${base64}`;
const stopped = expect.stringContaining("stopped before it gave a result");

test("Anthropic", async () => {
  const { tools, messages } = await sent(
    (fetch) =>
      new ChatAnthropic({
        model: "claude-sonnet-4-5",
        apiKey: "none",
        maxRetries: 0,
        clientOptions: { fetch },
      }),
  );
  expect(tools[0]).toMatchObject({
    name: "run_code",
    input_schema: { required: ["language", "code", "timeout_ms"] },
  });
  const parts = messages.flatMap(({ content }: Wire) => content);
  const source = { type: "base64", media_type: "image/png", data: base64 };
  expect(parts).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ type: "tool_result", tool_use_id: "call_1" }),
      expect.objectContaining({ type: "image", source }),
      expect.objectContaining({ type: "tool_result", tool_use_id: "call_2", content: stopped }),
    ]),
  );
  expect(JSON.stringify(parts.find(({ type }: Wire) => type === "tool_result"))).toContain(
    "The code gave a picture.",
  );
});

test("OpenAI's chat completions", async () => {
  const { tools, messages } = await sent(
    (fetch) =>
      new ChatOpenAI({ model: "gpt-4.1", apiKey: "none", maxRetries: 0, configuration: { fetch } }),
  );
  expect(tools[0].function).toMatchObject({
    name: "run_code",
    parameters: { required: ["language", "code", "timeout_ms"] },
  });
  expect(messages.map(({ role }: Wire) => role)).toEqual([
    "user",
    "assistant",
    "tool",
    "user",
    "assistant",
    "tool",
    "user",
  ]);
  expect(messages[2]).toMatchObject({
    tool_call_id: "call_1",
    content: "The code gave a picture.",
  });
  expect(messages[3].content[1]).toEqual({ type: "image_url", image_url: { url } });
  expect(messages[5]).toMatchObject({ tool_call_id: "call_2", content: stopped });
});

test("OpenAI, with `responseFormat`, takes all tools in strict mode", async () => {
  const bodies: Wire[] = [];
  const fetch = async (_input: unknown, init?: RequestInit): Promise<Response> => {
    bodies.push(JSON.parse(String(init?.body)) as Wire);
    return Response.json({ error: { message: "captured" } }, { status: 400 });
  };
  await using sandbox = createSandboxTools({});
  const model = new ChatOpenAI({
    model: "gpt-4.1",
    apiKey: "none",
    maxRetries: 0,
    configuration: { fetch },
  });
  const responseFormat = providerStrategy(z.object({ answer: z.string() }));
  const agent = createAgent({ model, tools: sandbox.tools, responseFormat });
  await expect(agent.invoke({ messages: "Hello" })).rejects.toThrow();
  const { tools } = bodies[0]!;
  expect(tools).toHaveLength(6);
  for (const { function: each } of tools as Wire[]) {
    expect(each["strict"]).toBe(true);
    const { properties, required, additionalProperties } = each["parameters"];
    expect(additionalProperties).toBe(false);
    expect(required).toEqual(Object.keys(properties));
    expect(JSON.stringify(properties)).not.toMatch(/"(?:minimum|maximum|minLength|default)":/);
  }
});

test("OpenAI's responses", async () => {
  const { tools, input } = await sent(
    (fetch) =>
      new ChatOpenAI({
        model: "gpt-5",
        apiKey: "none",
        maxRetries: 0,
        useResponsesApi: true,
        configuration: { fetch },
      }),
  );
  expect(tools[0]).toMatchObject({
    name: "run_code",
    parameters: { required: ["language", "code", "timeout_ms"] },
  });
  const outputs = input.filter(({ type }: Wire) => type === "function_call_output");
  expect(outputs).toMatchObject([
    { call_id: "call_1", output: "The code gave a picture." },
    { call_id: "call_2", output: stopped },
  ]);
  const parts = input.flatMap(({ content }: Wire) => (Array.isArray(content) ? content : []));
  expect(parts).toContainEqual(expect.objectContaining({ type: "input_image", image_url: url }));
});

test("Gemini", async () => {
  const { tools, contents } = await sent(
    () => new ChatGoogleGenerativeAI({ model: "gemini-2.5-flash", apiKey: "none", maxRetries: 0 }),
  );
  expect(tools[0].functionDeclarations[0]).toMatchObject({
    name: "run_code",
    parameters: { required: ["language", "code", "timeout_ms"] },
  });
  // Its schemas have no lists of types.
  expect(JSON.stringify(tools)).not.toContain('"type":[');
  const parts = contents.flatMap(({ parts }: Wire) => parts);
  const answers = parts.filter((part: Wire) => part["functionResponse"]);
  expect(JSON.stringify(answers[0])).toContain("The code gave a picture.");
  expect(JSON.stringify(answers[1])).toContain("stopped before it gave a result");
  expect(parts).toContainEqual({ inlineData: { mimeType: "image/png", data: base64 } });
});

test("Ollama", async () => {
  const { tools, messages } = await sent(
    (fetch) => new ChatOllama({ model: "qwen3", maxRetries: 0, fetch }),
  );
  expect(tools[0].function).toMatchObject({
    name: "run_code",
    parameters: { required: ["language", "code", "timeout_ms"] },
  });
  const results = messages.filter(({ role }: Wire) => role === "tool");
  expect(results).toMatchObject([{ content: "The code gave a picture." }, { content: stopped }]);
  expect(messages.flatMap(({ images = [] }: Wire) => images)).toEqual([base64]);
});
