import { ENVD_PORT, INTERPRETER_PORT } from "@emberbox/core";
import { request } from "undici";
import { channelDispatcher } from "../dispatcher.ts";
import type { Guest } from "../machine/guest.ts";

const ROUNDS = 3;

/**
 * Runs every path of the guest once before the machine is saved: programs come into the page cache, and nothing is
 * loaded or compiled lazily in the first call of a sandbox. Leaves no trace in the default context.
 */
export async function exercise(guest: Guest): Promise<void> {
  const dispatcher = channelDispatcher(guest);
  const call = async (port: number, path: string, body: unknown, contentType = "application/json"): Promise<string> => {
    const response = await request(`http://sandbox:${port}${path}`, {
      dispatcher,
      method: "POST",
      headers: { "content-type": contentType, "connect-protocol-version": "1" },
      body: Buffer.isBuffer(body) ? body : JSON.stringify(body),
    });
    const text = await response.body.text();
    if (response.statusCode >= 300) throw new Error(`warming up: ${path} answered ${response.statusCode}: ${text.slice(0, 500)}`);
    return text;
  };
  try {
    for (let round = 0; round < ROUNDS; round++) {
      for (const command of ["true", "python3 -c 1", "node -e 1", "ls / | cat"]) {
        const process = { cmd: "/bin/bash", args: ["-l", "-c", command] };
        await call(ENVD_PORT, "/process.Process/Start", envelope({ process }), "application/connect+json");
      }
      const context = JSON.parse(await call(INTERPRETER_PORT, "/contexts", { language: "python" })) as { id: string };
      for (const code of ["print(1)", "1+1", "1/0"]) await call(INTERPRETER_PORT, "/execute", { code, context_id: context.id });
      await request(`http://sandbox:${INTERPRETER_PORT}/contexts/${context.id}`, { dispatcher, method: "DELETE" }).then((answer) => answer.body.dump());
    }
  } finally {
    await dispatcher.close();
  }
}

/** A message of the Connect protocol's streams: a flag, the length, JSON. */
function envelope(message: unknown): Buffer {
  const json = Buffer.from(JSON.stringify(message));
  const head = Buffer.alloc(5);
  head.writeUInt32BE(json.length, 1);
  return Buffer.concat([head, json]);
}
