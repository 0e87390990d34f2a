import { timingSafeEqual } from "node:crypto";
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
import { refusal, refusalBody, type Refusal } from "./answers.ts";
import type { Gate } from "./forward.ts";

/** A port that not everybody reaches, or whose server is to see another host. */
export interface Guard extends Gate {
  /** What requests must carry as `e2b-traffic-access-token`. */
  readonly token: string | undefined;
  /** Takes the place of the `Host` of requests. */
  readonly host: string | undefined;
}

const TOKEN_HEADER = "e2b-traffic-access-token";
const HEADER_BYTES = 65_536;
const HEAD_MS = 30_000;
const CHECK_MS = 5_000;
/** Headers of one connection, which are not for the next. */
const hopByHop = ["connection", "keep-alive", "proxy-connection", "upgrade", "expect", "te"];

type Header = readonly [name: string, value: string];

/**
 * Passes requests on to a server inside, each on a connection of its own: Node's parser has understood all that goes
 * in, and wrote it anew, so there is nothing that the two sides could take for different requests.
 */
export function createGuarded(guard: Guard): Server {
  const server = createServer({
    maxHeaderSize: HEADER_BYTES,
    headersTimeout: HEAD_MS,
    requestTimeout: 0,
    connectionsCheckingInterval: CHECK_MS,
  });
  // The connection ends with its request, and what comes behind it is not read.
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
  server.on("clientError", (_error, client: Duplex) => refuse(client, guard, 400));
  return server;
}

async function answer(
  guard: Guard,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const decline = (code: Refusal, message?: string): void => {
    if (response.headersSent) return void response.destroy();
    const body = refusalBody(guard, code, message);
    response.writeHead(code, { "Content-Type": "application/json", Connection: "close" });
    response.end(body);
    request.resume();
  };
  const refused = check(request, guard);
  if (refused !== undefined) return decline(refused);
  const sent = await ask(guard, request, framing(request)).catch(() => undefined);
  if (sent === undefined) return decline(502, "The sandbox was not found");
  response.once("close", () => sent.destroy());
  sent.on("error", () => decline(502));
  sent.once("response", (inner) => {
    try {
      response.writeHead(
        inner.statusCode!,
        inner.statusMessage,
        [...passed(inner, ["transfer-encoding"]), ["Connection", "close"]].flat(),
      );
      // Streams begin at once, also those whose first word comes late.
      response.flushHeaders();
    } catch {
      return decline(502);
    }
    pipeline(inner, response).catch(() => response.destroy());
  });
  // What it is told of a request that breaks off is that it breaks off.
  request.once("error", () => sent.destroy());
  request.pipe(sent);
}

/** What the connection becomes is the affair of the two ends; nothing passes before the server inside agrees. */
async function upgrade(
  guard: Guard,
  request: IncomingMessage,
  client: Duplex,
  head: Buffer,
): Promise<void> {
  const refused = check(request, guard);
  if (refused !== undefined) return refuse(client, guard, refused);
  const protocol = request.headers.upgrade ?? "";
  const asked: Header[] = [
    ["Connection", "Upgrade"],
    ["Upgrade", protocol],
  ];
  const sent = await ask(guard, request, asked).catch(() => undefined);
  if (sent === undefined) return refuse(client, guard, 502, "The sandbox was not found");
  client.once("close", () => sent.destroy());
  sent.on("error", () => refuse(client, guard, 502));
  sent.once("response", (inner) => {
    client.write(headOf(inner, [["Connection", "close"]]));
    pipeline(inner, client).catch(() => client.destroy());
  });
  sent.once("upgrade", (inner, stream, rest) => {
    client.write(
      headOf(inner, [
        ["Connection", "Upgrade"],
        ["Upgrade", inner.headers.upgrade ?? protocol],
      ]),
    );
    client.write(rest);
    stream.write(head);
    stream.on("error", () => client.destroy());
    client.once("close", () => stream.destroy());
    stream.once("close", () => client.destroy());
    client.pipe(stream).pipe(client);
  });
  sent.end();
}

/** Sends the head of a request inside, on a connection of its own. */
async function ask(guard: Guard, request: IncomingMessage, more: readonly Header[]) {
  const stream = await guard.open();
  stream.unref();
  const host = guard.host ?? request.headers.host;
  const headers: Header[] = [
    ...(host === undefined ? [] : [["Host", host] as const]),
    ...passed(request, ["host", TOKEN_HEADER, "content-length", "transfer-encoding"]),
    ...more,
  ];
  return send({
    createConnection: () => stream,
    method: request.method,
    path: request.url,
    headers: headers.flat(),
    setHost: false,
    maxHeaderSize: HEADER_BYTES,
  });
}

/** How the body of a request is told from what follows it. */
function framing({ headers }: IncomingMessage): Header[] {
  const length = headers["content-length"];
  const body: Header[] =
    headers["transfer-encoding"] === undefined
      ? length === undefined
        ? []
        : [["Content-Length", length]]
      : [["Transfer-Encoding", "chunked"]];
  return [...body, ["Connection", "close"]];
}

/** Why a request does not pass. */
function check({ url, rawHeaders, headers }: IncomingMessage, guard: Guard): Refusal | undefined {
  const given = rawHeaders.filter((_name, at) => at % 2 === 0).map((name) => name.toLowerCase());
  const isOne = (name: string): boolean => given.filter((each) => each === name).length <= 1;
  if (!url?.startsWith("/") || !isOne("host") || !isOne("content-length")) return 400;
  const isToken = (text: string): boolean => isEqual(text.trim(), guard.token!);
  if (
    guard.token !== undefined &&
    !String(headers[TOKEN_HEADER] ?? "")
      .split(",")
      .some(isToken)
  )
    return 403;
  return undefined;
}

/** The headers of a message that go on, in their order and as they were written. */
function passed(message: IncomingMessage, without: readonly string[]): Header[] {
  const { rawHeaders, headers } = message;
  const named = String(headers.connection ?? "")
    .toLowerCase()
    .split(/\s*,\s*/);
  const dropped = new Set([...hopByHop, ...named, ...without]);
  return rawHeaders.flatMap((name, at) =>
    at % 2 === 0 && !dropped.has(name.toLowerCase()) ? [[name, rawHeaders[at + 1]!] as const] : [],
  );
}

function headOf(message: IncomingMessage, more: readonly Header[]): Buffer {
  const headers = [...passed(message, ["transfer-encoding"]), ...more];
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const status = `HTTP/1.1 ${message.statusCode} ${message.statusMessage}\r\n`;
  return Buffer.from(`${status}${lines}\r\n`, "latin1");
}

function refuse(client: Duplex, guard: Guard, code: Refusal, message?: string): void {
  if (!client.writable) return void client.destroy();
  client.end(refusal(guard, code, message));
  // What it still sends is dropped for a while, so that the answer is not lost to a reset.
  client.resume();
  setTimeout(() => client.destroy(), LINGER_MS).unref();
}

const LINGER_MS = 2000;

function isEqual(given: string, expected: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(expected)];
  return one.length === other.length && timingSafeEqual(one, other);
}
