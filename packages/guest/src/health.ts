import { createServer, type RequestListener, type Server } from "node:http";

const HEALTH = "/health";
/** Programs that ask at once; others wait. */
const MAX_CONNECTIONS = 16;
const LIMIT_MS = 5000;

const elsewhere = JSON.stringify({
  code: 401,
  message: "unauthorized access: inside the sandbox, only GET /health is answered",
});

/**
 * Tells programs in the machine that one of the agent's ports is there, and nothing more: everything else demands a
 * token, which is not in the machine.
 */
export function answerHealth(port: number, handler: RequestListener): Server {
  const limits = { headersTimeout: LIMIT_MS, requestTimeout: LIMIT_MS, keepAliveTimeout: 1 };
  const server = createServer(limits, (request, response) => {
    response.setHeader("Connection", "close");
    if (request.method === "GET" && request.url === HEALTH) return handler(request, response);
    response.writeHead(401, { "Content-Type": "application/json" }).end(elsewhere);
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.on("clientError", (_error, socket) => socket.destroy());
  return server.listen(port, "127.0.0.1");
}
