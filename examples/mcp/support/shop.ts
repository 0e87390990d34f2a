// Without keys of models' services, a script takes the models' place.
import { scriptModel } from "../../openai-agents/support/model.ts";
import { scriptClaude } from "../../support/claude.ts";

const entities = [{ name: "lamp", entityType: "offer", observations: ["costs 12 in the shop"] }];
const calls = [
  { name: "shop_price", input: { item: "lamp" } },
  { name: "memory_create_entities", input: { entities } },
];
const lastWords = "A lamp costs 12; I have written it down.";

scriptClaude(calls, lastWords);
scriptModel(
  calls.map(({ name, input }) => [name, input]),
  lastWords,
);

/** An MCP server of one's own: a program for Node, here without the SDK, so that it needs no package. */
export const shop = `
const tool = {
  name: "price",
  description: "Says what an item costs.",
  inputSchema: { type: "object", properties: { item: { type: "string" } }, required: ["item"] },
};
const prices = { lamp: 12, chair: 40 };
const answers = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion,
    capabilities: { tools: {} },
    serverInfo: { name: "shop", version: "1.0.0" },
  }),
  "tools/list": () => ({ tools: [tool] }),
  "tools/call": (params) => ({
    content: [{ type: "text", text: String(prices[params.arguments.item] ?? "not sold") }],
  }),
};
require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, params } = JSON.parse(line);
  if (id !== undefined) console.log(JSON.stringify({ jsonrpc: "2.0", id, result: answers[method](params) }));
});
`;
