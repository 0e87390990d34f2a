import { parseArgs } from "node:util";
import { knownSources, readConfig } from "./config.ts";
import { place, runDaemon, startDaemon } from "./daemon.ts";
import { Installer } from "./install.ts";

const USAGE = `Usage: mcp-gateway --config JSON    starts MCP servers, and the gateway to them
       mcp-gateway pull NAME...      installs servers that are known by these names`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { config: { type: "string" }, serve: { type: "boolean" } },
  });
  const [command, ...names] = positionals;
  if (values.serve) return runDaemon();
  if (command === "pull" && names.length > 0) {
    const { signal } = new AbortController();
    const installer = new Installer(place, { log: process.stdout, signal });
    for (const source of knownSources(names)) await installer.install(source);
    return;
  }
  const token = process.env["GATEWAY_ACCESS_TOKEN"];
  if (values.config === undefined || command !== undefined) throw new Error(USAGE);
  if (!token) throw new Error("GATEWAY_ACCESS_TOKEN is not set");
  await startDaemon({ plans: readConfig(values.config, process.env), token });
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
