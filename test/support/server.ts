import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EmberboxServer, serve, type ServeOptions } from "@emberbox/server";
import { afterAll } from "vitest";
import { provider } from "./sandboxes.ts";

export { resolveLocalhost, type SdkOptions, sdkOptions } from "./endpoints.ts";

const directories: string[] = [];
const servers: EmberboxServer[] = [];
afterAll(async () => {
  for (const server of servers) await server.close();
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

/** A directory that is gone after the test file. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "emberbox-server-"));
  directories.push(directory);
  return directory;
}

/** A server over the engine that the test file shares; closed with the file. */
export async function startServer(options: Partial<ServeOptions> = {}): Promise<EmberboxServer> {
  const server = await serve({
    provider,
    port: 0,
    stateDirectory: temporaryDirectory(),
    ...options,
  });
  servers.push(server);
  return server;
}
