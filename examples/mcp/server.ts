// An MCP server over HTTP in your own program, with two clients that are isolated from each other.
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { serveHttp } from "@emberbox/mcp";

const token = crypto.randomUUID();
const server = await serveHttp({ memoryMB: 1024 }, { port: 0, token, maxSandboxes: 4 });
console.log(`listening on ${server.url}`);

for (const name of ["Ada", "Grace"]) {
  const client = new Client({ name, version: "1.0.0" });
  const headers = { authorization: `Bearer ${token}` };
  await client.connect(
    new StreamableHTTPClientTransport(new URL(server.url), { requestInit: { headers } }),
  );
  const command = `ls; echo ${name} was here > note.txt; cat note.txt`;
  const { content } = await client.callTool({ name: "run_command", arguments: { command } });
  console.log(content[0]?.type === "text" ? content[0].text : content);
}

// Ends the machines too. On Node 24, `await using server = …` does it at the end of the scope.
await server[Symbol.asyncDispose]();
