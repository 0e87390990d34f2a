import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from "node:http2";
import type { Duplex } from "node:stream";
import { background } from "@emberbox/core/background";
import { endConnection } from "@emberbox/ingress";
import { limitBody } from "./body-limit.ts";
import { limitConnections } from "./connections.ts";
import type { Proxy } from "./proxy/proxy.ts";
import type { Certificate } from "./tls.ts";

/** How long the head of a request may take, in ms. */
const HEADERS_MS = 20_000;
/**
 * How long a client may stay without making a request, in ms. Longer than clients and proxies keep connections that
 * they do not use (E2B's Python SDK: 300 s, load balancers: up to 600 s): whoever closes first can cut off no request.
 */
const IDLE_MS = 620_000;
/** How often connections are checked for a head that does not come, in ms. */
const CHECK_MS = 5_000;
const HEADER_BYTES = 64 * 1024;
const STREAMS = 2_000;

export interface Listener {
  readonly server: Server;
  /** Ends all connections. */
  drop(): void;
}

/** A server for both kinds of requests: to sandboxes, and to the control plane. */
export function createListener(
  control: RequestListener,
  proxy: Proxy,
  {
    certificate,
    maxConnections,
  }: { readonly certificate: Certificate | undefined; readonly maxConnections: number },
): Listener {
  const handle: RequestListener = (request, response) => {
    if (proxy.claims(request))
      return background(proxy.handle(request, response), () => response.destroy());
    limitBody(request);
    control(request, response);
  };
  const limits = {
    headersTimeout: HEADERS_MS,
    keepAliveTimeout: IDLE_MS,
    // Bodies for sandboxes may take as long as they like.
    requestTimeout: 0,
    maxHeaderSize: HEADER_BYTES,
    connectionsCheckingInterval: CHECK_MS,
  };
  // The HTTP/2 server accepts the same listeners.
  const server = (
    certificate ? createTls(certificate, handle) : createServer(limits, handle)
  ) as Server;
  if (certificate) Object.assign(server, limits);
  const connections = limitConnections(server, maxConnections);
  server.on("session", endIdle);
  server.on("clientError", refuse);
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (proxy.claims(request))
      return background(proxy.upgrade(request, socket, head), () => socket.destroy());
    answer(socket, 400, "there is nothing here to upgrade to");
  });
  return {
    server,
    drop() {
      for (const socket of connections) socket.destroy();
    },
  };
}

function createTls({ cert, key }: Certificate, handle: RequestListener): Http2SecureServer {
  const options = {
    cert,
    key,
    allowHTTP1: true,
    handshakeTimeout: HEADERS_MS,
    settings: { maxConcurrentStreams: STREAMS },
  };
  return createSecureServer(options, handle as never);
}

/** Ends an HTTP/2 session without requests; one with a stream, however silent, stays. */
function endIdle(session: ServerHttp2Session): void {
  let streams = 0;
  session.on("stream", (stream) => {
    streams++;
    stream.once("close", () => streams--);
  });
  session.setTimeout(IDLE_MS, () => {
    if (streams === 0) session.close();
  });
}

const answers: Readonly<Record<string, readonly [number, string]>> = {
  HPE_HEADER_OVERFLOW: [431, "the headers are too long"],
  ERR_HTTP_REQUEST_TIMEOUT: [408, "the request took too long"],
};

/** Answers what is not HTTP. */
function refuse(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === "ECONNRESET") return void socket.destroy();
  const [status, message] = answers[error.code ?? ""] ?? [400, "this is not a request"];
  answer(socket, status, message);
}

function answer(socket: Duplex, status: number, message: string): void {
  endConnection(socket, status, JSON.stringify({ code: status, message }));
}
