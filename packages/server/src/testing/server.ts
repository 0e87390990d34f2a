import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { ServeOptions } from "../options.ts";
import { type EmberboxServer, serve } from "../server.ts";

/** A directory that is gone after the test. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), "emberbox-server-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A server until the end of the test. */
export async function startServer(
  options: Pick<ServeOptions, "provider"> & Partial<ServeOptions>,
): Promise<EmberboxServer> {
  const server = await serve({ port: 0, stateDirectory: temporaryDirectory(), ...options });
  onTestFinished(() => server.close());
  return server;
}

export interface Answer {
  readonly status: number;
  // Tests look into it as they expect it to be.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly json: any;
}

/** Asks a server as a client would, with one of its keys. */
export async function ask(
  server: EmberboxServer,
  line: string,
  body?: unknown,
  key: string = server.apiKey,
): Promise<Answer> {
  const [method, path] = line.split(" ");
  const answer = await fetch(`${server.url}${path}`, {
    method: method!,
    headers: { "X-API-Key": key },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, json: text === "" ? undefined : JSON.parse(text) };
}

/** Makes a sandbox, and returns its id. */
export async function create(
  server: EmberboxServer,
  body: Record<string, unknown> = {},
  key?: string,
): Promise<string> {
  const made = await ask(server, "POST /v2/sandboxes", { templateID: "base", ...body }, key);
  return made.json.sandboxID as string;
}
