import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";

/** A client of a sandbox's MCP servers. */
export async function connectMcp(url: string, token: string): Promise<Client> {
  const client = new Client({ name: "test", version: "1.0.0" });
  const headers = { authorization: `Bearer ${token}` };
  await client.connect(
    new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }),
  );
  return client;
}

/** An MCP server without dependencies: its one tool says what it can see. */
export const seer = `
const tool = { name: "look", description: "looks", inputSchema: { type: "object" } };
const answers = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion,
    capabilities: { tools: {} },
    serverInfo: { name: "seer", version: "1.0.0" },
  }),
  "tools/list": () => ({ tools: [tool] }),
  "tools/call": () => {
    const { HOME, KEY, GATEWAY_ACCESS_TOKEN } = process.env;
    const seen = { uid: process.getuid(), pid: process.pid, cwd: process.cwd(), HOME, KEY, GATEWAY_ACCESS_TOKEN };
    return { content: [{ type: "text", text: JSON.stringify(seen) }] };
  },
};
require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) return;
  const result = answers[method]?.(params);
  const error = { code: -32601, message: "no such method" };
  console.log(JSON.stringify({ jsonrpc: "2.0", id, ...(result ? { result } : { error }) }));
}).on("close", () => process.exit());
`;

/** The text of a tool's result. */
export const textOf = (result: object): string =>
  (result as { content: { text: string }[] }).content[0]!.text;

/** Resolves when a tool is there; fails when its server is known to have failed. */
export async function untilOffered(client: Client, tool: string): Promise<void> {
  for (;;) {
    const { tools } = await client.listTools();
    if (tools.some(({ name }) => name === tool)) return;
    const status = textOf(await client.callTool({ name: "mcp_servers_status" }));
    const [server] = tool.split("_", 1);
    if (status.includes(`${server}: failed`)) throw new Error(status);
  }
}
