import "../support/prices-by-claude.ts"; // Without ANTHROPIC_API_KEY, a script takes the model's place.

// A LangChain agent with a code interpreter.
import { createAgent } from "langchain";
import type { SandboxOutput } from "@emberbox/langchain";
import { createSandboxMiddleware } from "@emberbox/langchain/middleware";

// Each thread gets a virtual machine on first use. They end with this program, or when they are idle.
const sandbox = createSandboxMiddleware();
const agent = createAgent({ model: "anthropic:claude-sonnet-5-5", middleware: [sandbox] });

const stream = await agent.stream(
  { messages: [{ role: "user", content: "Draw the prices 3, 5, 8 and put them in a CSV file." }] },
  { configurable: { thread_id: "prices" }, streamMode: ["values", "custom"] },
);
for await (const [mode, chunk] of stream) {
  if (mode === "custom") process.stdout.write((chunk as SandboxOutput).text); // While it runs.
  else console.log(`${chunk.messages.at(-1)?.type}: ${chunk.messages.at(-1)?.text}`);
}
