import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EmberboxServer, serve, type ServeOptions } from "@emberbox/server";
import { Agent } from "undici";
import { afterAll } from "vitest";
import { createSandbox, provider } from "./sandboxes.ts";

/** A directory that is gone after the test file. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "emberbox-server-"));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A server over the engine that the test file shares; closed with the file. */
export async function startServer(options: Partial<ServeOptions> = {}): Promise<EmberboxServer> {
  // Clients do not wait for a template to be warmed.
  await (await createSandbox()).kill();
  const server = await serve({
    provider,
    port: 0,
    stateDirectory: temporaryDirectory(),
    ...options,
  });
  afterAll(() => server.close());
  return server;
}

/** What points an official SDK at a server. */
export interface SdkOptions {
  readonly apiUrl: string;
  readonly sandboxUrl: string;
  readonly apiKey: string;
}

export function sdkOptions({ url, apiKey }: EmberboxServer): SdkOptions {
  return { apiUrl: url, sandboxUrl: url, apiKey };
}

/** Finds `*.localhost`, as browsers and curl do, and Node only where the system does. */
export function resolveLocalhost(): Agent {
  return new Agent({
    connect: {
      lookup: (_host, options, done) => {
        if (options.all) done(null, [{ address: "127.0.0.1", family: 4 }]);
        else done(null, "127.0.0.1", 4);
      },
    },
  });
}
