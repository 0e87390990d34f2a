import {
  createServer,
  type IncomingMessage,
  request as send,
  type Server,
  type ServerResponse,
} from "node:http";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { background } from "@emberbox/core/background";
import { refusalOf, TRAFFIC_TOKEN } from "./access.ts";
import { type Target, type Refusal, refusals, refuse, refuseConnection } from "./answers.ts";
import { headOf, passedOn, requestHeaders, valuesOf } from "./headers.ts";
import { flushHead, join } from "./pass.ts";

/** A port that not everybody may reach, or whose server sees another host. */
export interface Guard extends Target {
  /** Opens a byte stream to the port inside. Rejects when the sandbox is gone. */
  readonly open: () => Promise<
    Duplex & {
      /** Lets the program end although the stream is open. */
      unref(): unknown;
    }
  >;
  /** What requests must carry as `e2b-traffic-access-token`. */
  readonly token: string | undefined;
  /** Replaces the `Host` of requests. */
  readonly host: string | undefined;
}

const HEADER_BYTES = 65_536;
const HEAD_MS = 30_000;
const CHECK_MS = 5_000;

/**
 * Passes requests on to a server inside, each on a connection of its own. Node's parser understood everything that goes
 * in and wrote it anew, so the two sides cannot take it for different requests.
 */
export function createGuarded(guard: Guard): Server {
  const server = createServer({
    maxHeaderSize: HEADER_BYTES,
    headersTimeout: HEAD_MS,
    requestTimeout: 0,
    connectionsCheckingInterval: CHECK_MS,
  });
  // The connection ends with its request; whatever follows it is not read.
  server.maxRequestsPerSocket = 1;
  const taken = new WeakSet<Duplex>();
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    taken.add(request.socket);
    response.on("error", () => {});
    background(answer(guard, request, response), () => response.destroy());
  });
  server.on("upgrade", (request: IncomingMessage, client: Duplex, head: Buffer) => {
    client.on("error", () => client.destroy());
    if (taken.has(client)) return void client.destroy();
    background(upgrade(guard, request, client, head), () => client.destroy());
  });
  server.on("clientError", (_error, client: Duplex) =>
    refuseConnection(client, guard, refusals.notHttp),
  );
  return server;
}

async function answer(
  guard: Guard,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const decline = (refusal: Refusal): void => {
    refuse(response, guard, refusal);
    request.resume();
  };
  const refused = check(request, guard);
  if (refused !== undefined) return decline(refused);
  const sent = await ask(guard, request, framing(request)).catch(() => undefined);
  if (sent === undefined) return decline(refusals.gone);
  response.once("close", () => sent.destroy());
  sent.on("error", () => decline(refusals.closed));
  sent.once("response", (inner) => {
    try {
      response.writeHead(inner.statusCode!, inner.statusMessage, [
        ...passedOn(inner.rawHeaders),
        "Connection",
        "close",
      ]);
      flushHead(response);
    } catch {
      return decline(refusals.closed);
    }
    pipeline(inner, response).catch(() => response.destroy());
  });
  // When a request breaks off, so does the one inside.
  request.once("error", () => sent.destroy());
  request.pipe(sent);
}

/** What the connection becomes is up to the two ends; nothing passes before the server inside agrees. */
async function upgrade(
  guard: Guard,
  request: IncomingMessage,
  client: Duplex,
  head: Buffer,
): Promise<void> {
  const decline = (refusal: Refusal): void => refuseConnection(client, guard, refusal);
  const refused = check(request, guard);
  if (refused !== undefined) return decline(refused);
  const protocol = request.headers.upgrade ?? "";
  const asked = ["Connection", "Upgrade", "Upgrade", protocol];
  const sent = await ask(guard, request, asked).catch(() => undefined);
  if (sent === undefined) return decline(refusals.gone);
  client.once("close", () => sent.destroy());
  sent.on("error", () => decline(refusals.closed));
  sent.once("response", (inner) => {
    client.write(answerOf(inner, ["Connection", "close"]));
    pipeline(inner, client).catch(() => client.destroy());
  });
  sent.once("upgrade", (inner, stream, rest) => {
    const own = ["Connection", "Upgrade", "Upgrade", inner.headers.upgrade ?? protocol];
    client.write(answerOf(inner, own));
    client.write(rest);
    stream.write(head);
    join(client, stream);
  });
  sent.end();
}

/** Sends the head of a request inside, on a connection of its own. */
async function ask(guard: Guard, request: IncomingMessage, more: readonly string[]) {
  const stream = await guard.open();
  stream.unref();
  return send({
    createConnection: () => stream,
    method: request.method,
    path: request.url,
    headers: [...requestHeaders(request.rawHeaders, guard.host, isDropped), ...more],
    setHost: false,
    maxHeaderSize: HEADER_BYTES,
  });
}

const isDropped = (name: string): boolean => name === TRAFFIC_TOKEN || name === "content-length";

/** The headers that separate a request's body from what follows it. */
function framing({ headers }: IncomingMessage): string[] {
  const length = headers["content-length"];
  const body =
    headers["transfer-encoding"] === undefined
      ? length === undefined
        ? []
        : ["Content-Length", length]
      : ["Transfer-Encoding", "chunked"];
  return [...body, "Connection", "close"];
}

/** Why a request may not pass. */
function check(request: IncomingMessage, { port, token }: Guard): Refusal | undefined {
  const { url, rawHeaders } = request;
  const isOne = (name: string): boolean => valuesOf(rawHeaders, name).length <= 1;
  if (!url?.startsWith("/") || !isOne("host") || !isOne("content-length")) return refusals.notHttp;
  return refusalOf(request, port, { access: undefined, traffic: token });
}

function answerOf(inner: IncomingMessage, more: readonly string[]): Buffer {
  const headers = [...passedOn(inner.rawHeaders), ...more];
  return headOf(inner.statusCode!, inner.statusMessage!, headers);
}
