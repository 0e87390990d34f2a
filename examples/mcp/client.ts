// An MCP client that starts `emberbox mcp` and works in its sandbox, as an editor or an assistant does.
import { fileURLToPath } from "node:url";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

// With the package installed: { command: "npx", args: ["emberbox", "mcp"] }.
const program = fileURLToPath(
  new URL("bin/emberbox.mjs", import.meta.resolve("emberbox/package.json")),
);
const client = new Client({ name: "example", version: "1.0.0" });
await client.connect(
  new StdioClientTransport({ command: process.execPath, args: [program, "mcp"] }),
);

const { tools } = await client.listTools();
console.log(`tools: ${tools.map(({ name }) => name).join(", ")}`);

const calls = [
  { name: "run_code", arguments: { code: "prices = [3, 5, 8]\nsum(prices) / len(price)" } },
  { name: "run_code", arguments: { code: "sum(prices) / len(prices)" } },
  { name: "run_command", arguments: { command: "for i in 1 2 3; do echo $i; sleep 0.5; done" } },
  { name: "run_code", arguments: { code: "from pandas import Series\nSeries(prices).plot();" } },
];
for (const call of calls) {
  const { content, isError } = await client.callTool(call, {
    timeout: 120_000,
    onprogress: ({ message }) => console.log(`… ${JSON.stringify(message)}`),
  });
  console.log(`\n── ${call.name}${isError ? " failed" : ""}`);
  for (const part of content) {
    console.log(part.type === "text" ? part.text : `(${part.type})`);
  }
}
// Closing the connection ends the server and its virtual machine.
await client.close();
