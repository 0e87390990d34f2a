import { createHash, randomUUID, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Writable } from "node:stream";
import { NodeStreamableHTTPServerTransport } from "@modelcontextprotocol/node";
import type { Server } from "@modelcontextprotocol/server";
import type { Gateway } from "./gateway.ts";

interface HttpOptions {
  readonly gateway: Gateway;
  readonly token: string;
  readonly port: number;
  readonly log: Writable;
}

interface Session {
  readonly server: Server;
  readonly transport: NodeStreamableHTTPServerTransport;
}

/** For one more, the session that was not used for longest ends. */
const MAX_SESSIONS = 100;
/** Longer than clients keep connections that they do not use: whoever closes first can cut off no request. */
const LIMITS = { headersTimeout: 20_000, requestTimeout: 60_000, keepAliveTimeout: 65_000 };

/** A gateway over streamable HTTP, for whoever has the token. */
export async function serveGateway(
  options: HttpOptions,
): Promise<{ readonly port: number } & AsyncDisposable> {
  const { gateway, token, log } = options;
  const expected = digest(`Bearer ${token}`);
  /** By id, the most recently used last. */
  const sessions = new Map<string, Session>();

  const begin = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const id = randomUUID();
    const server = gateway.open(id);
    const transport = new NodeStreamableHTTPServerTransport({
      sessionIdGenerator: () => id,
      onsessioninitialized: async () => {
        const [oldest] = sessions.values();
        sessions.set(id, { server, transport });
        if (sessions.size > MAX_SESSIONS) await oldest?.server.close();
      },
    });
    server.onclose = () => {
      sessions.delete(id);
      gateway.close(server);
    };
    server.onerror = (error) => log.write(`a client's session: ${error.message}\n`);
    await server.connect(transport);
    await transport.handleRequest(request, response);
    if (!sessions.has(id)) await server.close();
  };
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.url?.split("?")[0] !== "/mcp")
      return refuse(response, 404, "There is nothing but /mcp here");
    if (!timingSafeEqual(digest(request.headers.authorization ?? ""), expected)) {
      response.setHeader("www-authenticate", "Bearer");
      return refuse(response, 401, "Expected `Authorization: Bearer` with the token");
    }
    const id = request.headers["mcp-session-id"];
    if (id === undefined) return begin(request, response);
    const session = sessions.get(String(id));
    if (!session)
      return refuse(response, 404, "There is no such session (any more); initialize a new one");
    sessions.delete(String(id));
    sessions.set(String(id), session);
    await session.transport.handleRequest(request, response);
  };

  const web = createServer(LIMITS, (request, response) => {
    handle(request, response).catch((error: Error) => {
      log.write(`a request failed: ${error.stack}\n`);
      if (response.headersSent) response.destroy();
      else refuse(response, 500, "The gateway failed");
    });
  });
  web.listen(options.port, "127.0.0.1");
  await once(web, "listening");
  return {
    port: (web.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      web.close();
      for (const { server } of sessions.values()) await server.close();
      web.closeAllConnections();
    },
  };
}

/** Always of the same length, as a comparison in constant time requires. */
const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

function refuse(response: ServerResponse, status: number, message: string): void {
  const error = { code: status === 404 ? -32_001 : -32_000, message };
  response
    .writeHead(status, { "content-type": "application/json" })
    .end(JSON.stringify({ jsonrpc: "2.0", error, id: null }));
}
