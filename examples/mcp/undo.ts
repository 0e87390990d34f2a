// An MCP client whose model can take its machine back.
import { fileURLToPath } from "node:url";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

// With the package installed: { command: "npx", args: ["emberbox", "mcp", "--checkpoints"] }.
const program = fileURLToPath(
  new URL("bin/emberbox.mjs", import.meta.resolve("emberbox/package.json")),
);
const client = new Client({ name: "example", version: "1.0.0" });
const args = [program, "mcp", "--checkpoints"];
await client.connect(new StdioClientTransport({ command: process.execPath, args }));

async function call(name: string, input: Record<string, unknown>): Promise<string> {
  const { content } = await client.callTool({ name, arguments: input }, { timeout: 120_000 });
  const text = content.map((part) => (part.type === "text" ? part.text : "")).join("");
  console.log(`── ${name}\n${text}`);
  return text;
}

await call("run_command", { command: "echo 'the only copy' > notes.txt" });
const made = await call("checkpoint", { label: "notes taken" });
await call("run_command", { command: "rm notes.txt" });
await call("rollback", { checkpoint_id: /checkpoint ([\w-]+)/.exec(made)?.[1] });
await call("run_command", { command: "cat notes.txt" });
await call("history", {});
await client.close();
