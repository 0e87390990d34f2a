import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";
import { ENVD_PORT } from "@emberbox/core/envd";
import type { SandboxConnection } from "@emberbox/core/provider";
import { request } from "undici";

/** Headers of one connection, which are not for the next. */
const hopByHop = new Set([
  "connection",
  "host",
  "keep-alive",
  "transfer-encoding",
  "expect",
  "upgrade",
]);

/** Passes requests on to one sandbox, to the port that E2B's routing header names; adds nothing of its own. */
export async function serveSandbox(
  connection: SandboxConnection,
): Promise<{ origin: string; server: Server }> {
  const server = createServer((incoming, response) => {
    forward(connection, incoming, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

async function forward(
  connection: SandboxConnection,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const port = Number(incoming.headers["e2b-sandbox-port"] ?? ENVD_PORT);
  const { origin, dispatcher } = connection.endpoint(port);
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  const answer = await request(origin + incoming.url, {
    dispatcher,
    method: incoming.method as "GET",
    headers: Object.fromEntries(
      Object.entries(incoming.headers).filter(([name]) => !hopByHop.has(name)),
    ),
    body: incoming,
    signal: gone.signal,
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  const headers = Object.entries(answer.headers).filter(([name]) => !hopByHop.has(name));
  // What was refused before all of it was read leaves the rest in the connection.
  if (!incoming.complete) response.setHeader("Connection", "close");
  response.writeHead(answer.statusCode, Object.fromEntries(headers) as Record<string, string>);
  response.flushHeaders();
  await pipeline(answer.body, response);
}
