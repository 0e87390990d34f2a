// An MCP server for tests, on standard input and output. Its argument is what it calls itself.
import { Server } from "@modelcontextprotocol/server";
import { StdioServerTransport } from "@modelcontextprotocol/server/stdio";

const [name = "fixture"] = process.argv.slice(2);
if (name === "broken") throw new Error("it is broken");

const server = new Server(
  { name, version: "1.0.0" },
  {
    capabilities: {
      tools: { listChanged: true },
      prompts: {},
      resources: {},
      logging: {},
    },
  },
);
const tools = ["say", "environment", "wait", "grow", "die"].map((name) => ({
  name,
  description: `to ${name}`,
  inputSchema: { type: "object" as const },
}));
const text = (text: string) => ({ content: [{ type: "text" as const, text }] });

server.setRequestHandler("tools/list", () => ({ tools }));
server.setRequestHandler("tools/call", async ({ params }, { mcpReq }) => {
  switch (params.name) {
    case "say":
      await server.sendLoggingMessage({ level: "info", data: "said", logger: "voice" });
      return text(`${name} says ${JSON.stringify(params.arguments)}`);
    case "environment":
      return text(
        JSON.stringify({ HOME: process.env["HOME"], KEY: process.env["KEY"], cwd: process.cwd() }),
      );
    case "grow":
      tools.push({ name: "grown", description: "new", inputSchema: { type: "object" } });
      await server.sendToolListChanged();
      return text("grew");
    case "wait": {
      const progressToken = mcpReq._meta!.progressToken!;
      await mcpReq.notify({
        method: "notifications/progress",
        params: { progressToken, progress: 1, total: 2, message: "half" },
      });
      await new Promise((resolve) => mcpReq.signal.addEventListener("abort", resolve));
      tools.push({ name: "cancelled", description: "new", inputSchema: { type: "object" } });
      await server.sendToolListChanged();
      return text("cancelled");
    }
    default:
      process.exit(7);
  }
});
server.setRequestHandler("prompts/list", () => ({ prompts: [{ name: "greet" }] }));
server.setRequestHandler("prompts/get", ({ params }) => ({
  messages: [
    { role: "user", content: { type: "text", text: `${name}: ${params.arguments!["who"]}` } },
  ],
}));
server.setRequestHandler("resources/list", () => ({
  resources: [
    { name: "mine", uri: `fixture://${name}` },
    { name: "shared", uri: "fixture://shared" },
  ],
}));
// Some servers claim all lists and lack one.
if (name !== "bare")
  server.setRequestHandler("resources/templates/list", () => ({
    resourceTemplates: [{ name: "any", uriTemplate: `${name}://{any}` }],
  }));
server.setRequestHandler("resources/read", ({ params: { uri } }) => {
  if (uri.startsWith("fixture://") || uri.startsWith(`${name}://`))
    return { contents: [{ uri, text: `${uri} of ${name}` }] };
  throw new Error("not mine");
});
await server.connect(new StdioServerTransport());
