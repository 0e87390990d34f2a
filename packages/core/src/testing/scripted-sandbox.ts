import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Agent, type Dispatcher } from "undici";
import { Sandbox } from "../sandbox.ts";
import type { SandboxProvider } from "../provider.ts";

export type Script = (request: IncomingMessage, response: ServerResponse) => void;

export interface ScriptedSandbox extends AsyncDisposable {
  readonly sandbox: Sandbox;
  /** Makes the connection report that the sandbox is gone. */
  die(error: Error): void;
}

/** A sandbox whose server says whatever a test wants, including what a well-behaved guest never says. */
export async function scriptedSandbox(
  script: Script,
  dispatcher: Dispatcher = new Agent(),
): Promise<ScriptedSandbox> {
  const server = createServer(script);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  let gone: Error | undefined;
  const end = new AbortController();
  const connection = {
    sandboxId: "scripted",
    endpoint: () => ({ origin, headers: {}, dispatcher }),
    gone: () => gone,
    ended: end.signal,
  };
  const provider = {
    capabilities: {},
    create: async () => connection,
  } as unknown as SandboxProvider;
  return {
    sandbox: await Sandbox.create({ provider }),
    die(error) {
      gone = error;
      end.abort(error);
    },
    async [Symbol.asyncDispose]() {
      await dispatcher.destroy();
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Answers any request with these messages, one per line. */
export function messages(...lines: readonly object[]): Script {
  return (request, response) => {
    request.resume();
    response.writeHead(200, { "Content-Type": "application/x-ndjson" });
    response.end(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  };
}
