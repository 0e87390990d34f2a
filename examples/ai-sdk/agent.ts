import "../support/prices-by-claude.ts"; // Without ANTHROPIC_API_KEY, a script takes the model's place.

// An AI SDK agent with a code interpreter.
import { writeFile } from "node:fs/promises";
import { anthropic } from "@ai-sdk/anthropic";
import { isStepCount, streamText } from "ai";
import { createSandboxTools } from "@emberbox/ai-sdk";

// Each conversation gets a virtual machine on first use. They end with this program, or when they are idle.
const sandbox = createSandboxTools();

const { stream } = streamText({
  model: anthropic("claude-sonnet-5-5"),
  tools: sandbox.tools,
  experimental_sandbox: sandbox.session("prices"),
  stopWhen: isStepCount(10),
  prompt: "Draw the prices 3, 5, 8 and put them in a CSV file.",
});
for await (const part of stream) {
  if (part.type === "text-delta") process.stdout.write(part.text);
  if (part.type !== "tool-result" || part.dynamic) continue;
  const { output } = part;
  if (output.status === "running") console.log(`… ${output.stdout.trimEnd()}`); // While it runs.
  else if (!part.preliminary) console.log(`${part.toolName}: ${output.text}\n`);
  if (output.status === "running") continue;
  for (const { base64 } of output.pictures) await writeFile("prices.png", base64, "base64");
}
