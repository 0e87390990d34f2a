import "./support/script.ts"; // Without OPENAI_BASE_URL and OPENAI_API_KEY, a script takes the model's place.

// A code interpreter for a model behind any endpoint that speaks OpenAI's chat API: Ollama, vLLM, llama.cpp, LM Studio.
// Ollama: OPENAI_BASE_URL=http://localhost:11434/v1 MODEL=qwen3; OpenAI itself: OPENAI_API_KEY.
import { writeFile } from "node:fs/promises";
import OpenAI from "openai";
import { createSandboxTools } from "@emberbox/core/tools";

const { OPENAI_API_KEY, MODEL = "gpt-5-mini" } = process.env;
const client = new OpenAI({ apiKey: OPENAI_API_KEY ?? "none" });
// The virtual machine starts with the first call, and ends with this program.
const sandbox = createSandboxTools();

const tools = sandbox.tools.map(({ name, description, jsonSchema }): OpenAI.ChatCompletionTool => ({
  type: "function",
  function: { name, description, parameters: { ...jsonSchema } },
}));
const messages: OpenAI.ChatCompletionMessageParam[] = [
  { role: "user", content: "What is the mean of 3, 5 and 8? Draw them, and keep a list." },
];
for (let turn = 0; turn < 20; turn += 1) {
  const { choices } = await client.chat.completions.create({ model: MODEL, tools, messages });
  const message = choices[0]!.message;
  messages.push(message);
  if (message.content) console.log(`\nthe model: ${message.content}`);
  if (!message.tool_calls?.length) break;
  for (const call of message.tool_calls) {
    if (call.type !== "function") continue;
    const { name, arguments: input } = call.function;
    console.log(`\n── ${name} ${input}`);
    // The arguments are text and may not even be JSON: the answer then says so.
    const { text, pictures } = await sandbox.execute(name, input);
    console.log(text);
    messages.push({ role: "tool", tool_call_id: call.id, content: text });
    // Tool messages are text in this API; `pictureDataUrl` makes an `image_url` for a model that can see.
    for (const { base64 } of pictures) await writeFile("prices.png", base64, "base64");
  }
}
