// An AI SDK agent with a code interpreter. Set ANTHROPIC_API_KEY or OPENAI_API_KEY for a real model.
import { writeFile } from "node:fs/promises";
import { isStepCount, streamText } from "ai";
import { createSandboxTools } from "@emberbox/ai-sdk";
import { model } from "./support/model.ts";

// Each conversation gets a virtual machine on first use; `await using` ends them.
await using sandbox = createSandboxTools();

const { stream } = streamText({
  model,
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
