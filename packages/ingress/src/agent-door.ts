import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Endpoint } from "@emberbox/core/provider";
import { background } from "@emberbox/core/background";
import { credentialHeaders, parseUrl, refusalOf, type Tokens, withoutSignature } from "./access.ts";
import { type Target, refusals, refuse } from "./answers.ts";
import { passedOn } from "./headers.ts";
import { passOn } from "./pass.ts";

/** One of the agent's ports, and who may call it. */
export interface AgentDoor extends Target {
  /** Rejects when the sandbox is gone. */
  readonly endpoint: () => Promise<Endpoint>;
  readonly tokens: Tokens;
}

const HEAD_MS = 30_000;
/** Longer than clients keep connections that they do not use: whoever closes first can cut off no request. */
const KEEP_MS = 620_000;

/**
 * Serves files, processes and code to whoever shows the token, or a signature made with it. It is checked here and
 * removed: the sandbox's memory may be copied, and whoever owns the copy must not find what opens the original.
 */
export function openAgentDoor(door: AgentDoor): Server {
  const server = createServer(
    { requestTimeout: 0, headersTimeout: HEAD_MS, keepAliveTimeout: KEEP_MS },
    (request, response) => {
      request.on("error", () => {});
      response.on("error", () => {});
      background(pass(door, request, response), () => refuse(response, door, refusals.gone));
    },
  );
  server.on("clientError", (_error, socket) => socket.destroy());
  return server;
}

async function pass(
  door: AgentDoor,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const refused = refusalOf(request, door.port, door.tokens);
  if (refused !== undefined) return refuse(response, door, refused);
  const { origin, dispatcher } = await door.endpoint();
  const { pathname, search } = withoutSignature(parseUrl(request.url)!);
  await passOn(request, response, {
    url: origin + pathname + search,
    dispatcher,
    headers: passedOn(request.rawHeaders, (name) => name === "host" || credentialHeaders.has(name)),
  });
}
