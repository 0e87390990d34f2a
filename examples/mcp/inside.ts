import { shop } from "./support/shop.ts"; // Without keys, a script takes the models' place.
import "./support/npm.ts"; // Where this machine gets npm's packages.

// Two MCP servers in one sandbox, and agents of three frameworks that use both, each by its framework's own client.
import { anthropic } from "@ai-sdk/anthropic";
import { createMCPClient } from "@ai-sdk/mcp";
import { MultiServerMCPClient } from "@langchain/mcp-adapters";
import { Agent, MCPServerStreamableHttp, run } from "@openai/agents";
import { generateText, isStepCount } from "ai";
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
const url = await sandbox.getMcpUrl();
const headers = { Authorization: `Bearer ${await sandbox.getMcpToken()}` };
const prompt = "What does a lamp cost? Remember it.";

// Vercel's AI SDK
const client = await createMCPClient({ transport: { type: "http", url, headers } });
// Listing waits for servers that are being installed; on a slow machine, more than once.
let tools = await client.tools();
for (let more = 20; more > 0 && !("memory_read_graph" in tools); more--)
  tools = await client.tools();
console.log(Object.keys(tools).join(" "));
const model = anthropic("claude-sonnet-5-5");
const { text } = await generateText({ model, tools, prompt, stopWhen: isStepCount(5) });
console.log(`AI SDK: ${text}`);
await client.close();

// LangChain
const adapters = new MultiServerMCPClient({
  mcpServers: { sandbox: { transport: "http", url, headers } },
});
const langchainTools = await adapters.getTools();
const langchain = createAgent({ model: "anthropic:claude-sonnet-5-5", tools: langchainTools });
const { messages } = await langchain.invoke({ messages: [{ role: "user", content: prompt }] });
console.log(`LangChain: ${messages.at(-1)?.text}`);
const search = langchainTools.find(({ name }) => name === "memory_search_nodes");
console.log(JSON.stringify(await search?.invoke({ query: "lamp" })));
await adapters.close();

// OpenAI Agents
const server = new MCPServerStreamableHttp({ name: "sandbox", url, requestInit: { headers } });
await server.connect();
const agent = new Agent({ name: "Buyer", mcpServers: [server] });
console.log(`OpenAI Agents: ${(await run(agent, prompt)).finalOutput}`);
await server.close();

await sandbox.kill();
