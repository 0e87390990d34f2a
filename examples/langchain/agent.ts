// A LangChain agent with a code interpreter. Set ANTHROPIC_API_KEY or OPENAI_API_KEY for a real model.
import { createAgent } from "langchain";
import type { SandboxOutput } from "@emberbox/langchain";
import { createSandboxMiddleware } from "@emberbox/langchain/middleware";
import { model } from "./support/model.ts";

// Each thread gets a virtual machine on first use; `await using` ends them.
await using sandbox = createSandboxMiddleware();
const agent = createAgent({ model, middleware: [sandbox] });

const stream = await agent.stream(
  { messages: [{ role: "user", content: "Draw the prices 3, 5, 8 and put them in a CSV file." }] },
  { configurable: { thread_id: "prices" }, streamMode: ["values", "custom"] },
);
for await (const [mode, chunk] of stream) {
  if (mode === "custom") process.stdout.write((chunk as SandboxOutput).text); // While it runs.
  else console.log(`${chunk.messages.at(-1)?.type}: ${chunk.messages.at(-1)?.text}`);
}
