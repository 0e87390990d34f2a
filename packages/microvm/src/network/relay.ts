import {
  Agent as HttpAgent,
  createServer,
  type IncomingMessage,
  request as httpRequest,
  type RequestOptions,
  type ServerResponse,
} from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { pipeline, type Duplex, type Readable } from "node:stream";
import type { SecureContext } from "node:tls";
import { createBrotliDecompress, createUnzip, createZstdDecompress } from "node:zlib";
import { pinned, type Target } from "./dial.ts";
import { endToEnd, withHeaders, without, wrongRequest } from "./headers.ts";
import { Redactor, redact } from "./redact.ts";

/** One client connection whose requests are read, and sent on one by one. */
export interface RelayedConnection {
  readonly target: Target;
  readonly isTls: boolean;
  /** What the server's certificate is checked against, where it is not the usual. */
  readonly trusted: SecureContext | undefined;
  /** The last word on a request's headers. */
  readonly prepare: (headers: string[]) => string[];
  /** What must not come back. */
  readonly traces: readonly Buffer[];
  readonly onRefused: (reason: string) => void;
}

export interface Relay {
  /** Serves a client's connection, plain or with its TLS taken off. */
  serve(client: Duplex, connection: RelayedConnection): void;
  /** Answers every request of a client's connection with the reason for which there is no other answer. */
  refuse(client: Duplex, reason: string): void;
}

const MAX_HEADER_BYTES = 65_536;

type Carried = RelayedConnection & { readonly agent: HttpAgent };

export function createRelay(): Relay {
  const carried: WeakMap<Duplex, Carried> = new WeakMap();
  const refused: WeakMap<Duplex, string> = new WeakMap();
  const options = { maxHeaderSize: MAX_HEADER_BYTES, keepAliveTimeout: 0, requestTimeout: 0 };
  const server = createServer(options, (request, response) => {
    const connection = carried.get(request.socket)!;
    const reason = wrongRequest(request.url!, request.rawHeaders, connection.target.host);
    if (reason === undefined)
      return guarded(request.socket, () => exchange(request, response, connection));
    connection.onRefused(reason);
    answerRefused(response, reason);
  });
  server.on("upgrade", (request: IncomingMessage, client: Duplex, head: Buffer) => {
    const connection = carried.get(request.socket)!;
    const reason = wrongRequest(request.url!, request.rawHeaders, connection.target.host);
    if (reason === undefined)
      return guarded(client, () => upgrade(request, client, head, connection));
    connection.onRefused(reason);
    client.destroy();
  });
  server.on("connect", (_request: IncomingMessage, client: Duplex) => {
    client.end("HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  });
  const refusals = createServer(options, (request, response) => {
    answerRefused(response, refused.get(request.socket)!);
  });
  for (const each of [server, refusals])
    each.on("clientError", (_error: Error, client: Duplex) => client.destroy());
  return {
    serve(client, connection) {
      const agent = connection.isTls
        ? new HttpsAgent({ keepAlive: true })
        : new HttpAgent({ keepAlive: true });
      carried.set(client, { ...connection, agent });
      client.once("close", () => agent.destroy());
      server.emit("connection", client);
    },
    refuse(client, reason) {
      refused.set(client, reason);
      refusals.emit("connection", client);
    },
  };
}

function answerRefused(response: ServerResponse, reason: string): void {
  const body = `Refused by the sandbox's network policy: ${reason}.\n`;
  // Package managers show the status line only.
  response.writeHead(403, `Refused by policy: ${reason}`, {
    "content-type": "text/plain; charset=utf-8",
    "content-length": Buffer.byteLength(body),
    connection: "close",
  });
  response.end(body);
}

function optionsFor(
  request: IncomingMessage,
  headers: string[],
  { target, isTls, trusted, agent }: Carried,
): RequestOptions {
  const { host, port, addresses } = target;
  return {
    agent,
    host,
    port,
    headers,
    method: request.method!,
    path: request.url!,
    lookup: pinned(addresses),
    ...(isTls && {
      servername: host,
      ALPNProtocols: ["http/1.1"],
      ...(trusted && { secureContext: trusted }),
    }),
  };
}

/** The headers that go on. Where an answer is looked through, it must not be packed. */
function requestHeaders(request: IncomingMessage, { prepare, traces }: Carried): string[] {
  const headers = prepare(endToEnd(request.rawHeaders));
  return traces.length === 0 ? headers : withHeaders(headers, { "Accept-Encoding": "identity" });
}

/** What Node's parser lets in, its writer may refuse: that ends the connection, not this program. */
function guarded(client: { destroy(): unknown }, work: () => void): void {
  try {
    work();
  } catch {
    client.destroy();
  }
}

function exchange(request: IncomingMessage, response: ServerResponse, connection: Carried): void {
  const send = connection.isTls ? httpsRequest : httpRequest;
  const upstream = send(optionsFor(request, requestHeaders(request, connection), connection));
  upstream.on("socket", (socket) => socket.unref());
  upstream.on("response", (answer) => {
    guarded(response, () => {
      const { headers, body } = receive(answer, connection, request.method === "HEAD");
      response.writeHead(answer.statusCode!, answer.statusMessage, headers);
      pipeline(body, response, () => {});
    });
  });
  upstream.on("error", (error: NodeJS.ErrnoException) => fail(response, error, connection));
  response.on("close", () => upstream.destroy());
  pipeline(request, upstream, () => {});
}

function fail(response: ServerResponse, error: NodeJS.ErrnoException, { target }: Carried): void {
  if (response.headersSent || response.destroyed) return void response.destroy();
  // The code only: a message might quote what was sent.
  const body = `The sandbox's gateway could not reach ${target.host}: ${error.code ?? "it answered wrongly"}.\n`;
  response.writeHead(502, { "content-type": "text/plain; charset=utf-8", connection: "close" });
  response.end(body);
}

const decoders: Readonly<Record<string, () => NodeJS.ReadWriteStream>> = {
  gzip: createUnzip,
  "x-gzip": createUnzip,
  deflate: createUnzip,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
};

const isPacked = (name: string): boolean =>
  name === "content-encoding" || name === "content-length";

/** An answer as the sandbox gets it. */
function receive(
  answer: IncomingMessage,
  { traces }: Carried,
  isHead = false,
): { headers: string[]; body: Readable } {
  const headers = without(endToEnd(answer.rawHeaders), (name) => name === "transfer-encoding");
  if (traces.length === 0) return { headers, body: answer };
  const clean = headers.map((text) =>
    redact(Buffer.from(text, "latin1"), traces).toString("latin1"),
  );
  const isEmpty = isHead || answer.statusCode === 204 || answer.statusCode === 304;
  const packed = answer.headers["content-encoding"]?.trim().toLowerCase();
  const encoding = isEmpty ? "identity" : (packed ?? "identity");
  const redactor = new Redactor(traces);
  if (encoding === "identity")
    return { headers: clean, body: pipeline(answer, redactor, () => {}) };
  const decode = decoders[encoding];
  if (decode === undefined) {
    answer.destroy();
    return { headers: without(clean, (name) => name.startsWith("content-")), body: redactor.end() };
  }
  return {
    headers: without(clean, isPacked),
    body: pipeline(answer, decode(), redactor, () => {}),
  };
}

/** A request that wants another protocol on its connection. Only WebSocket is let through. */
function upgrade(
  request: IncomingMessage,
  client: Duplex,
  head: Buffer,
  connection: Carried,
): void {
  const isWebSocket = request.headers.upgrade?.toLowerCase() === "websocket";
  const send = connection.isTls ? httpsRequest : httpRequest;
  const asked = requestHeaders(request, connection);
  const headers = isWebSocket
    ? withHeaders(asked, { Connection: "Upgrade", Upgrade: "websocket" })
    : asked;
  const upstream = send(optionsFor(request, headers, connection));
  client.on("error", () => {});
  client.once("close", () => upstream.destroy());
  upstream.on("socket", (socket) => socket.unref());
  upstream.on("error", () => client.destroy());
  upstream.on("upgrade", (answer, server, first) => {
    server.on("error", () => client.destroy());
    const { headers: given } = receive(answer, connection);
    client.write(
      headOf(answer, withHeaders(given, { Connection: "Upgrade", Upgrade: "websocket" })),
    );
    server.unshift(first);
    server.write(head);
    pipeline(client, server, () => {});
    pipeline(server, new Redactor(connection.traces), client, () => {});
  });
  upstream.on("response", (answer) => {
    const { headers: given, body } = receive(answer, connection);
    client.write(headOf(answer, withHeaders(given, { Connection: "close" })));
    pipeline(body, client, () => {});
  });
  upstream.end();
}

function headOf(answer: IncomingMessage, headers: readonly string[]): string {
  const lines = headers.flatMap((name, index) =>
    index % 2 === 0 ? [`${name}: ${headers[index + 1]}`] : [],
  );
  return `HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}\r\n${lines.join("\r\n")}\r\n\r\n`;
}
