import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex, Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Dispatcher } from "undici";
import { request as send, upgrade as ask } from "undici/index.js";
import { headOf, passedOn } from "./headers.ts";

/** Where a request is passed on to, and with what. */
export interface Onward {
  readonly url: string | URL;
  readonly dispatcher: Dispatcher;
  /** All headers to send, except those of the connection: names and values in turn. */
  readonly headers: string[];
  /** Sent in place of the request's body. */
  readonly body?: Readable | Buffer | null | undefined;
  /** Called with what passes of a good answer, which it must neither keep nor change. It does not throw. */
  readonly onData?: ((chunk: Buffer) => void) | undefined;
}

/** Passes a request on, and its answer back, as they arrive. If the client goes away, its request is aborted. */
export async function passOn(
  request: IncomingMessage,
  response: ServerResponse,
  { url, dispatcher, headers, onData, body = request }: Onward,
): Promise<void> {
  const { method } = request;
  const answer = await send(url, {
    dispatcher,
    headers,
    method: method as "GET",
    body: method === "GET" || method === "HEAD" ? null : body,
    signal: goneSignal(response),
    headersTimeout: 0,
    bodyTimeout: 0,
    responseHeaders: "raw",
  });
  const passed = passedOn(answer.headers as unknown as string[]);
  // A request that was refused before it was read completely leaves the rest on the connection.
  if (!request.complete && request.httpVersionMajor === 1) passed.push("Connection", "close");
  response.writeHead(answer.statusCode, passed);
  flushHead(response);
  if (onData && answer.statusCode === 200) answer.body.on("data", onData);
  await pipeline(answer.body, response);
}

/** Sends the head of an answer at once: a stream may have its head long before its first data. */
export function flushHead(response: ServerResponse): void {
  // HTTP/1's `flushHeaders` writes as UTF-8 what was read as Latin-1.
  if (response.req.httpVersionMajor === 1) response.write(Buffer.alloc(0));
  else response.flushHeaders();
}

/** Passes an upgrade on, and joins the two connections once it is agreed to; `head` is what the client sent already. */
export async function passUpgrade(
  request: IncomingMessage,
  client: Duplex,
  head: Buffer,
  onward: Onward,
): Promise<void> {
  const protocol = String(request.headers.upgrade ?? "websocket");
  const { url, ...options } = onward;
  const signal = goneSignal(client);
  const agreed = await ask(url, {
    ...options,
    method: "GET",
    protocol,
    signal,
    responseHeaders: "raw",
  });
  const passed = passedOn(agreed.headers as unknown as string[]);
  const own = ["Upgrade", protocol, "Connection", "Upgrade"];
  client.write(headOf(101, "Switching Protocols", [...own, ...passed]));
  if (head.length > 0) agreed.socket.write(head);
  join(client, agreed.socket);
}

/** What a connection has become is up to its two ends: each gets what the other sends, and ends with it. */
export function join(client: Duplex, inside: Duplex): void {
  inside.on("error", () => client.destroy());
  client.once("close", () => inside.destroy());
  inside.once("close", () => client.destroy());
  if (client.destroyed) inside.destroy();
  client.pipe(inside).pipe(client);
}

function goneSignal(client: ServerResponse | Duplex): AbortSignal {
  const gone = new AbortController();
  client.once("close", () => gone.abort());
  return gone.signal;
}
