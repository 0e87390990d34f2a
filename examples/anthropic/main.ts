import "../support/prices-by-claude.ts"; // Without ANTHROPIC_API_KEY, a script takes the model's place.

// A code interpreter for Claude, using only the Anthropic SDK.
import Anthropic from "@anthropic-ai/sdk";
import { createSandboxTools } from "@emberbox/core/tools";

const client = new Anthropic();
// The virtual machine starts with the first call, and ends with this program.
const sandbox = createSandboxTools();

const tools = sandbox.tools.map(({ name, description, jsonSchema }): Anthropic.Tool => ({
  name,
  description,
  input_schema: { ...jsonSchema, required: [...(jsonSchema.required ?? [])] },
}));
const messages: Anthropic.MessageParam[] = [
  { role: "user", content: "What is the mean of 3, 5 and 8? Draw them, and keep a list." },
];
for (let turn = 0; turn < 20; turn += 1) {
  const { content } = await client.messages.create({
    model: "claude-sonnet-5-5",
    max_tokens: 4000,
    tools,
    messages,
  });
  messages.push({ role: "assistant", content });
  const results: Anthropic.ToolResultBlockParam[] = [];
  for (const block of content) {
    if (block.type === "text") console.log(`\nClaude: ${block.text}`);
    if (block.type !== "tool_use") continue;
    console.log(`\n── ${block.name} ${JSON.stringify(block.input)}`);
    // This does not throw: a failure is text that tells the model how to go on.
    const { text, isError, pictures } = await sandbox.execute(block.name, block.input);
    console.log(text);
    const images = pictures.map(({ mimeType, base64 }): Anthropic.ImageBlockParam => ({
      type: "image",
      source: { type: "base64", media_type: mimeType as "image/png", data: base64 },
    }));
    results.push({
      type: "tool_result",
      tool_use_id: block.id,
      is_error: isError,
      content: [{ type: "text", text }, ...images],
    });
  }
  if (results.length === 0) break;
  messages.push({ role: "user", content: results });
}
