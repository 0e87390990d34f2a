import { shop } from "./support/shop.ts"; // Without keys, a script takes the models' place.
import "./support/npm.ts"; // Where this machine gets npm's packages.

// Two MCP servers in one sandbox, and agents of three frameworks that use both.
import { anthropic } from "@ai-sdk/anthropic";
import { tool as langchainTool } from "@langchain/core/tools";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { Agent, run, tool as openaiTool } from "@openai/agents";
import { dynamicTool, generateText, isStepCount, type JSONSchema7, jsonSchema } from "ai";
import { Sandbox } from "emberbox";
import { createAgent } from "langchain";

const sandbox = await Sandbox.create({
  timeoutMs: 1_800_000,
  secrets: { SHOP_KEY: { value: "a-key-of-the-shop", hosts: ["api.example.com"] } },
  mcp: {
    // Known by this name, and installed from npm.
    memory: {},
    // A command of the sandbox. Of the key it gets a placeholder.
    shop: { command: "node", args: ["-e", shop], envs: { KEY: "${SHOP_KEY}" } },
  },
});

// Any client that speaks streamable HTTP reaches both at one address.
const authorization = `Bearer ${await sandbox.getMcpToken()}`;
const transport = new StreamableHTTPClientTransport(new URL(await sandbox.getMcpUrl()), {
  requestInit: { headers: { authorization } },
});
const client = new Client({ name: "example", version: "1.0.0" });
await client.connect(transport);

// Listing waits for servers that are being installed; on a slow machine, more than once.
let { tools } = await client.listTools();
for (let more = 20; more > 0 && !tools.some(({ name }) => name.startsWith("memory_")); more--)
  ({ tools } = await client.listTools());
console.log(tools.map(({ name }) => name).join(" "));

const call = async (name: string, input: unknown): Promise<string> => {
  const { content } = await client.callTool({ name, arguments: input as Record<string, unknown> });
  return content.map((part) => (part.type === "text" ? part.text : `(${part.type})`)).join("\n");
};
const prompt = "What does a lamp cost? Remember it.";

// Vercel's AI SDK
const { text } = await generateText({
  model: anthropic("claude-sonnet-5-5"),
  stopWhen: isStepCount(5),
  prompt,
  tools: Object.fromEntries(
    tools.map(({ name, description, inputSchema }) => [
      name,
      dynamicTool({
        ...(description !== undefined && { description }),
        inputSchema: jsonSchema(inputSchema as JSONSchema7),
        execute: (input) => call(name, input),
      }),
    ]),
  ),
});
console.log(`AI SDK: ${text}`);

// LangChain
const langchain = createAgent({
  model: "anthropic:claude-sonnet-5-5",
  tools: tools.map(({ name, description = name, inputSchema }) =>
    langchainTool((input: unknown) => call(name, input), {
      name,
      description,
      schema: inputSchema,
    }),
  ),
});
const { messages } = await langchain.invoke({ messages: [{ role: "user", content: prompt }] });
console.log(`LangChain: ${messages.at(-1)?.text}`);

// OpenAI Agents
const agent = new Agent({
  name: "Buyer",
  tools: tools.map(({ name, description = name, inputSchema }) =>
    openaiTool({
      name,
      description,
      parameters: { ...inputSchema, additionalProperties: true } as never,
      strict: false,
      execute: (input) => call(name, input),
    }),
  ),
});
console.log(`OpenAI Agents: ${(await run(agent, prompt)).finalOutput}`);

console.log(await call("memory_search_nodes", { query: "lamp" }));
await client.close();
await sandbox.kill();
