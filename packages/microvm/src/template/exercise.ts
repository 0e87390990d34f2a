import { ENVD_PORT, INTERPRETER_PORT } from "@emberbox/core/envd";
import type { Endpoint } from "@emberbox/core/provider";
import { request } from "undici/index.js";

/** How a port of the guest is reached. */
export type Reach = (port: number) => Pick<Endpoint, "dispatcher" | "headers">;

const ROUNDS = 2;
const COMMANDS = ["true", "python3 -c 1", "node -e 1", "ls / | cat"];
const CELLS = ["print(1)", "1+1", "1/0"];

/** Posts to a guest's service and returns the answer's text; fails unless the status is a success. */
async function post(
  reach: Reach,
  port: number,
  path: string,
  body: Buffer | string,
  contentType: string,
): Promise<string> {
  const { dispatcher, headers: own } = reach(port);
  const headers = { ...own, "content-type": contentType, "connect-protocol-version": "1" };
  const response = await request(`http://sandbox:${port}${path}`, {
    dispatcher,
    method: "POST",
    headers,
    body,
  });
  const text = await response.body.text();
  if (response.statusCode >= 300)
    throw new Error(`${path} answered ${response.statusCode}: ${text.slice(0, 500)}`);
  return text;
}

/**
 * Runs every path of the guest before the machine is saved, so that programs are in the page cache and nothing is
 * loaded or compiled lazily in a sandbox's first call.
 */
export async function exercise(reach: Reach): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    await runCells(reach, CELLS);
    for (const command of COMMANDS) await runCommand(reach, command);
  }
}

/** Runs code in a context of its own, which leaves no trace in the default one. */
export async function runCells(reach: Reach, cells: readonly string[]): Promise<void> {
  const call = (path: string, body: unknown): Promise<string> =>
    post(reach, INTERPRETER_PORT, path, JSON.stringify(body), "application/json");
  const made = await call("/contexts", { language: "python" }).catch((error: unknown) => {
    // A container image may have no Python. Where there has to be one, the agent has not started without it.
    if (String(error).includes("answered 400")) return undefined;
    throw error;
  });
  if (made === undefined) return;
  const context = JSON.parse(made) as { id: string };
  for (const code of cells) await call("/execute", { code, context_id: context.id });
  const removed = await request(`http://sandbox:${INTERPRETER_PORT}/contexts/${context.id}`, {
    ...reach(INTERPRETER_PORT),
    method: "DELETE",
  });
  await removed.body.dump();
}

export async function runCommand(reach: Reach, command: string): Promise<void> {
  const message = Buffer.from(
    JSON.stringify({ process: { cmd: "/bin/bash", args: ["-l", "-c", command] } }),
  );
  // A message of the Connect protocol's streams: a flag, the length, JSON.
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  await post(
    reach,
    ENVD_PORT,
    "/process.Process/Start",
    Buffer.concat([head, message]),
    "application/connect+json",
  );
}
