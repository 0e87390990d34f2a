import { randomUUID } from "node:crypto";
import type { Commands } from "./commands/commands.ts";
import { EmberboxError } from "./errors.ts";
import type { Files } from "./files/files.ts";
import type { McpServers } from "./mcp-servers.ts";
import { shellLine } from "./shell-quote.ts";

/** Where the gateway listens in a sandbox, as in E2B. */
export const MCP_PORT = 50005;
const TOKEN_FILE = "/etc/mcp-gateway/.token";
/** It returns when it listens: its servers start later. In ms. */
const START_MS = 300_000;

/** Starts the program that stands before a sandbox's MCP servers. @throws `mcp_failed` */
export async function startMcpGateway(
  commands: Commands,
  servers: McpServers,
  signal: AbortSignal | undefined,
): Promise<void> {
  const line = shellLine(["mcp-gateway", "--config", JSON.stringify(servers)]);
  const { exitCode, stderr } = await commands.run(line, {
    user: "root",
    envs: { GATEWAY_ACCESS_TOKEN: randomUUID() },
    timeoutMs: START_MS,
    signal,
  });
  if (exitCode !== 0)
    throw new EmberboxError("mcp_failed", `the MCP gateway did not start: ${stderr.trim()}`);
}

/** The gateway's token; `undefined` where there has been none. */
export async function readMcpToken(files: Files): Promise<string | undefined> {
  try {
    return (await files.read(TOKEN_FILE, { user: "root" })).trim();
  } catch (error) {
    if (EmberboxError.isInstance(error) && error.code === "file_not_found") return undefined;
    throw error;
  }
}
