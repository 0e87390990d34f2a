import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Dispatcher, request as send, upgrade as ask } from "undici";
import { headOf, passedOn } from "./headers.ts";

/** Where a request goes on to, and with what. */
export interface Onward {
  readonly url: string | URL;
  readonly dispatcher: Dispatcher;
  /** All headers that it is sent with but those of the connection: a name, its value, the next name and so on. */
  readonly headers: string[];
}

/** Passes a request on, and its answer back, as they come. A client that goes away takes its request with it. */
export async function passOn(
  request: IncomingMessage,
  response: ServerResponse,
  { url, dispatcher, headers }: Onward,
): Promise<void> {
  const { method } = request;
  const answer = await send(url, {
    dispatcher,
    headers,
    method: method as "GET",
    body: method === "GET" || method === "HEAD" ? null : request,
    signal: goneSignal(response),
    headersTimeout: 0,
    bodyTimeout: 0,
    responseHeaders: "raw",
  });
  const passed = passedOn(answer.headers as unknown as string[]);
  // What was refused before all of it was read leaves the rest in the connection.
  if (!request.complete && request.httpVersionMajor === 1) passed.push("Connection", "close");
  response.writeHead(answer.statusCode, passed);
  flushHead(response);
  await pipeline(answer.body, response);
}

/** Sends the head of an answer at once, as streams begin with it whose first word comes late. */
export function flushHead(response: ServerResponse): void {
  // `flushHeaders` of HTTP/1 writes in UTF-8 what was read as Latin-1.
  if (response.req.httpVersionMajor === 1) response.write(Buffer.alloc(0));
  else response.flushHeaders();
}

/** Passes an upgrade on, and joins the two connections when it is agreed to; `head` is what the client said already. */
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

/** What a connection has become is the affair of its two ends: each gets what the other says, and ends with it. */
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
