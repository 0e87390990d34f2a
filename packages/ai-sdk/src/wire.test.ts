import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { convertToModelMessages, generateText, type LanguageModel, type UIMessage } from "ai";
import { expect, test } from "vitest";
import { createSandboxTools, type SandboxOutput } from "./index.ts";
import { takesPictures } from "./tools/takes-pictures.ts";

// What each provider sends for a conversation that comes back from a browser, with a picture, a failure and an
// interrupted call.
const base64 =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const position = { sandboxId: "sb", checkpointId: "only-for-tools", savedAt: 1 };
const data = { durationMs: 1, timedOut: false, outOfMemory: false, truncated: false, position };
const drawn: SandboxOutput = {
  status: "done",
  tool: "run_code",
  isError: false,
  text: "The code gave a picture.",
  pictures: [{ mimeType: "image/png", base64, sizeBytes: 70 }],
  files: [],
  data,
};
const failed: SandboxOutput = { ...drawn, isError: true, text: "NameError", pictures: [] };
const progress = { status: "running", tool: "run_code", stdout: "so far", stderr: "" } as const;
const cut: SandboxOutput = { ...progress, outputBytes: 6, elapsedMs: 1 };
const part = (toolCallId: string, output: SandboxOutput) => ({
  type: "tool-run_code" as const,
  toolCallId,
  state: "output-available" as const,
  input: { code: "1" },
  output,
});
const messages: UIMessage[] = [
  { id: "1", role: "user", parts: [{ type: "text", text: "Draw it." }] },
  {
    id: "2",
    role: "assistant",
    parts: [part("call_1", drawn), part("call_2", failed), part("call_3", cut)],
  },
  { id: "3", role: "user", parts: [{ type: "text", text: "What does it show?" }] },
];

type Wire = Record<string, any>;

async function sent(
  make: (fetch: typeof globalThis.fetch) => LanguageModel,
  modelPictures?: boolean,
): Promise<Wire> {
  const bodies: Wire[] = [];
  const fetch = async (_url: unknown, init?: RequestInit): Promise<Response> => {
    bodies.push(JSON.parse(String(init?.body)) as Wire);
    return Response.json({ error: { message: "captured" } }, { status: 400 });
  };
  const model = make(fetch);
  await using sandbox = createSandboxTools(undefined, {
    include: ["run_code"],
    modelPictures: modelPictures ?? model,
  });
  const { tools } = sandbox;
  const work = generateText({
    model,
    tools,
    messages: await convertToModelMessages(messages, { tools }),
    maxRetries: 0,
  });
  await expect(work).rejects.toThrow();
  // Where the machine is, is not the model's business.
  expect(JSON.stringify(bodies)).not.toContain("only-for-tools");
  return bodies[0]!;
}

const stopped = expect.stringContaining("stopped before it gave a result");

test("Anthropic: a picture, and errors that are marked", async () => {
  const { tools, messages } = await sent((fetch) =>
    createAnthropic({ apiKey: "none", fetch })("claude-sonnet-4-5"),
  );
  expect(tools[0]).toMatchObject({ name: "run_code", input_schema: { required: ["code"] } });
  const results = messages
    .flatMap(({ content }: Wire) => content)
    .filter(({ type }: Wire) => type === "tool_result");
  expect(results).toMatchObject([
    {
      tool_use_id: "call_1",
      content: [
        { type: "text", text: "The code gave a picture." },
        { type: "image", source: { type: "base64", media_type: "image/png", data: base64 } },
      ],
    },
    { tool_use_id: "call_2", content: "NameError", is_error: true },
    { tool_use_id: "call_3", content: stopped, is_error: true },
  ]);
});

test("OpenAI's responses: a picture", async () => {
  const { tools, input } = await sent((fetch) =>
    createOpenAI({ apiKey: "none", fetch })("gpt-5-mini"),
  );
  expect(tools[0]).toMatchObject({ name: "run_code", parameters: { required: ["code"] } });
  const outputs = input.filter(({ type }: Wire) => type === "function_call_output");
  expect(outputs).toMatchObject([
    {
      call_id: "call_1",
      output: [
        { type: "input_text", text: "The code gave a picture." },
        { type: "input_image", image_url: `data:image/png;base64,${base64}` },
      ],
    },
    { call_id: "call_2", output: '{"error":"NameError"}' },
    { call_id: "call_3", output: stopped },
  ]);
});

test.each([undefined, false])("OpenAI's chat completions: text alone (%s)", async (pictures) => {
  const { messages } = await sent(
    (fetch) => createOpenAI({ apiKey: "none", fetch }).chat("gpt-4.1"),
    pictures,
  );
  const results = messages.filter(({ role }: Wire) => role === "tool");
  expect(results).toMatchObject([
    { tool_call_id: "call_1", content: "The code gave a picture." },
    { tool_call_id: "call_2", content: '{"error":"NameError"}' },
    { tool_call_id: "call_3", content: stopped },
  ]);
  expect(JSON.stringify(messages)).not.toContain(base64.slice(0, 40));
});

test("whatever the provider, pictures are not shown unless that is said", async () => {
  await using sandbox = createSandboxTools(undefined, { include: ["run_code"] });
  const converted = await convertToModelMessages(messages, { tools: sandbox.tools });
  expect(JSON.stringify(converted)).not.toContain(base64.slice(0, 40));
});

test("who takes pictures in results is known", () => {
  const take = [
    "anthropic.messages",
    "google.generative-ai",
    "openai.responses",
    "anthropic/claude",
  ];
  expect(take.map((provider) => takesPictures({ provider }))).toEqual(take.map(() => true));
  const others = ["openai.chat", "mistral.chat", "openai-compatible.chat", "xai.chat", "googlex"];
  expect(others.map((provider) => takesPictures({ provider }))).toEqual(others.map(() => false));
});
