import {
  Agent as HttpAgent,
  createServer,
  type IncomingMessage,
  request as httpRequest,
  type RequestOptions,
  type ServerResponse,
} from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { pipeline, type Duplex } from "node:stream";
import type { Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions, type SecureContext } from "node:tls";
import { callbackify } from "node:util";
import { flushHead } from "@emberbox/ingress";
import { type Answer, clean, pass, type Room, ROOM_BYTES, Withheld } from "./answer.ts";
import { pinned, type Target } from "./dial.ts";
import { endToEnd, withHeaders, without, wrongRequest } from "./headers.ts";
import type { Traces } from "./traces.ts";
import { MessageRedactor } from "./web-socket.ts";

/** One client connection whose requests are read, and passed on one by one. */
export interface RelayedConnection {
  readonly target: Target;
  readonly isTls: boolean;
  /** What the server's certificate is checked against, unless it is the default. */
  readonly trusted: SecureContext | undefined;
  /** Connects to the target, where that is not to be done directly. */
  readonly via: (() => Promise<Socket>) | undefined;
  /** Has the last word on a request's headers. */
  readonly prepare: (headers: string[], request: IncomingMessage) => string[];
  /** What must not come back, when a secret may be sent. */
  readonly traces: Traces | undefined;
  readonly onRefused: (reason: string) => void;
}

export interface Relay {
  /** Serves a client's connection, plain or with TLS already terminated. */
  serve(client: Duplex, connection: RelayedConnection): void;
  /** Answers every request on a client's connection with the reason why it is refused. */
  refuse(client: Duplex, reason: string): void;
}

const MAX_HEADER_BYTES = 65_536;

type Carried = RelayedConnection & { readonly agent: HttpAgent; readonly room: Room };

export function createRelay(): Relay {
  const carried: WeakMap<Duplex, Carried> = new WeakMap();
  const refused: WeakMap<Duplex, string> = new WeakMap();
  const room: Room = { left: ROOM_BYTES };
  const options = { maxHeaderSize: MAX_HEADER_BYTES, keepAliveTimeout: 0, requestTimeout: 0 };
  const server = createServer(options, (request, response) => {
    const connection = carried.get(request.socket)!;
    const reason = wrongRequest(request.url!, request.rawHeaders, connection.target.host);
    if (reason === undefined)
      return guarded(request.socket, () => exchange(request, response, connection));
    connection.onRefused(reason);
    answerRefused(request, response, reason);
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
    answerRefused(request, response, refused.get(request.socket)!);
  });
  for (const each of [server, refusals])
    each.on("clientError", (_error: Error, client: Duplex) => client.destroy());
  return {
    serve(client, connection) {
      const agent = connection.isTls
        ? new HttpsAgent({ keepAlive: true })
        : new HttpAgent({ keepAlive: true });
      if (connection.via) agent.createConnection = connector(connection.via, connection.isTls);
      carried.set(client, { ...connection, agent, room });
      client.once("close", () => agent.destroy());
      server.emit("connection", client);
    },
    refuse(client, reason) {
      refused.set(client, reason);
      refusals.emit("connection", client);
    },
  };
}

/** How an agent connects by other means than its own. */
function connector(via: () => Promise<Socket>, isTls: boolean): HttpAgent["createConnection"] {
  return (options, callback) => {
    const connect = async (): Promise<Socket> => {
      const socket = await via();
      return isTls ? connectTls({ ...(options as ConnectionOptions), socket }) : socket;
    };
    callbackify(connect)((error, socket) => callback?.(error, socket));
    return undefined;
  };
}

/** Programs and libraries to which a status of 403 is a failure, and which then show its reason or do not retry. */
const HEEDS_STATUS =
  /^(Debian APT|git\/|node|npm\/|pip\/|pnpm\/|yarn\/|python|Deno\/|Bun\/|axios\/)/i;

/**
 * Says why a request is refused. To curl, any complete answer is a success, so that a script would go on: unless a
 * program is known to heed the status, its answer stays incomplete, for it to fail after it has shown the reason.
 */
function answerRefused(request: IncomingMessage, response: ServerResponse, reason: string): void {
  const body = `Refused by the sandbox's network policy: ${reason}.\n`;
  const length = Buffer.byteLength(body);
  const isHeeded = HEEDS_STATUS.test(request.headers["user-agent"] ?? "");
  // An answer to HEAD has no body that could be missing: there, the length is none.
  const incomplete = request.method === "HEAD" ? "none" : length + 1;
  // Package managers show the status line only.
  response.writeHead(403, `Refused by policy: ${reason}`, {
    "content-type": "text/plain; charset=utf-8",
    "content-length": isHeeded ? length : incomplete,
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

/** What a host that gets a secret is not asked for: partial, compressed or delta-encoded answers. */
const ASKS_FOR_LESS: ReadonlySet<string> = new Set([
  "range",
  "if-range",
  "request-range",
  "a-im",
  "accept-encoding",
  "sec-websocket-extensions",
]);

/** The headers to pass on. */
function requestHeaders(request: IncomingMessage, { prepare, traces }: Carried): string[] {
  const headers = prepare(endToEnd(request.rawHeaders), request);
  if (traces === undefined) return headers;
  const whole = without(headers, (name) => ASKS_FOR_LESS.has(name));
  return withHeaders(whole, { "Accept-Encoding": "identity" });
}

/** Node's writer may refuse what its parser accepts: that ends the connection, not this program. */
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
    const isHead = request.method === "HEAD";
    receive(answer, connection, isHead)
      .then(({ status, reason, headers, body }) => {
        response.writeHead(status, reason, headers);
        if (Buffer.isBuffer(body)) return void response.end(body);
        flushHead(response);
        pipeline(body, response, () => {});
      })
      .catch((error: Error) => fail(response, error, connection));
  });
  upstream.on("error", (error) => fail(response, error, connection));
  response.on("close", () => upstream.destroy());
  pipeline(request, upstream, () => {});
}

async function receive(
  answer: IncomingMessage,
  { traces, room }: Carried,
  isHead: boolean,
): Promise<Answer> {
  return traces === undefined ? pass(answer) : clean(answer, traces, room, isHead);
}

function fail(response: ServerResponse, error: NodeJS.ErrnoException, connection: Carried): void {
  if (response.headersSent || response.destroyed) return void response.destroy();
  response.writeHead(502, { "content-type": "text/plain; charset=utf-8", connection: "close" });
  response.end(failure(error, connection));
}

function failure(error: NodeJS.ErrnoException, { target, onRefused }: Carried): string {
  if (error instanceof Withheld) {
    onRefused(`${target.host}: ${error.message}`);
    return `The sandbox's gateway withholds what ${target.host} answered: ${error.message}.\n`;
  }
  // The code only: a message might quote what was sent.
  return `The sandbox's gateway could not reach ${target.host}: ${error.code ?? "it answered wrongly"}.\n`;
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
    // Each is the end of one pipeline and the beginning of another.
    for (const each of [client, server]) each.setMaxListeners(20);
    const begin = ({ status, reason, headers: given }: Answer): void => {
      const unpacked = connection.traces
        ? without(given, (name) => name === "sec-websocket-extensions")
        : given;
      const set = { Connection: "Upgrade", Upgrade: "websocket" };
      client.write(headOf(status, reason, withHeaders(unpacked, set)));
      server.unshift(first);
      server.write(head);
      pipeline(client, server, () => {});
      if (!connection.traces) return void pipeline(server, client, () => {});
      const redactor = new MessageRedactor(connection.traces);
      redactor.once("error", ({ message }) =>
        connection.onRefused(`${connection.target.host}: ${message}`),
      );
      pipeline(server, redactor, client, () => {});
    };
    receive(answer, connection, true)
      .then(begin)
      .catch(() => client.destroy());
  });
  upstream.on("response", (answer) => {
    receive(answer, connection, false)
      .then(({ status, reason, headers: given, body }) => {
        client.write(headOf(status, reason, withHeaders(given, { Connection: "close" })));
        if (Buffer.isBuffer(body)) client.end(body);
        else pipeline(body, client, () => {});
      })
      .catch((error: Error) => {
        const told = headOf(502, "Bad Gateway", ["Connection", "close"]);
        client.end(told + failure(error, connection));
      });
  });
  upstream.end();
}

function headOf(status: number, reason: string, headers: readonly string[]): string {
  const lines = headers.flatMap((name, index) =>
    index % 2 === 0 ? [`${name}: ${headers[index + 1]}`] : [],
  );
  return `HTTP/1.1 ${status} ${reason}\r\n${lines.join("\r\n")}\r\n\r\n`;
}
