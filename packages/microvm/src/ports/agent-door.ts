import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import type { Endpoint } from "@emberbox/core";
import { background } from "@emberbox/core/background";
import { isEqual, refusalOf, withoutSignature } from "@emberbox/core/envd";
import { request as send } from "undici";

/** One of the agent's ports, and who may call it. */
export interface AgentDoor {
  readonly sandboxId: string;
  readonly port: number;
  /** Rejects when the sandbox is gone. */
  readonly endpoint: () => Promise<Endpoint>;
  /** What requests must carry as `X-Access-Token`; `undefined` lets everybody in. */
  readonly accessToken: string | undefined;
  /** What they must carry as `e2b-traffic-access-token` as well. */
  readonly trafficToken: string | undefined;
}

const HEAD_MS = 30_000;

/**
 * Serves files, processes and code to whoever shows the token, or a signature made with it. It is checked here and
 * taken off: the sandbox's memory may be copied, and whoever owns the copy must not find what opens the original.
 */
export function openAgentDoor(door: AgentDoor): Server {
  const server = createServer(
    { requestTimeout: 0, headersTimeout: HEAD_MS },
    (request, response) => {
      request.on("error", () => {});
      response.on("error", () => {});
      background(pass(door, request, response), () => {
        if (response.headersSent) response.destroy();
        else refuse(response, door, 502, "The sandbox was not found");
      });
    },
  );
  server.on("clientError", (_error, socket) => socket.destroy());
  return server;
}

async function pass(
  door: AgentDoor,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method, headers } = request;
  const url = request.url?.startsWith("/") ? URL.parse(`http://sandbox${request.url}`) : null;
  if (url === null) return refuse(response, door, 400, "Invalid path");
  const traffic = String(headers["e2b-traffic-access-token"] ?? "");
  if (door.trafficToken !== undefined && !isEqual(traffic, door.trafficToken))
    return refuse(response, door, 403, "The header e2b-traffic-access-token is missing or wrong");
  const token = headers["x-access-token"] as string | undefined;
  const refusal = door.accessToken && refusalOf({ method, url, token }, door.accessToken);
  if (refusal) return refuse(response, door, 401, refusal);

  const { origin, dispatcher } = await door.endpoint();
  const { pathname, search } = withoutSignature(url);
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const answer = await send(origin + pathname + search, {
    dispatcher,
    method: method as "GET",
    headers: without(headers, notForTheAgent),
    body: method === "GET" || method === "HEAD" ? null : request,
    signal: gone.signal,
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  // What was refused before all of it was read leaves the rest in the connection.
  if (!request.complete) response.setHeader("connection", "close");
  response.writeHead(answer.statusCode, without(answer.headers, ofOneConnection));
  response.flushHeaders();
  await pipeline(answer.body, response);
}

const ofOneConnection = new Set(["connection", "keep-alive", "transfer-encoding", "upgrade"]);
const notForTheAgent = new Set([
  ...ofOneConnection,
  ...["host", "expect", "te", "trailer", "http2-settings", "proxy-connection"],
  ...["x-access-token", "x-api-key", "e2b-traffic-access-token", "cookie"],
]);

type Headers = Record<string, string | string[]>;

function without(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  names: ReadonlySet<string>,
): Headers {
  return Object.fromEntries(
    Object.entries(headers).filter(([name, value]) => value !== undefined && !names.has(name)),
  ) as Headers;
}

/** Answers in E2B's form. */
function refuse(
  response: ServerResponse,
  { sandboxId, port }: AgentDoor,
  code: number,
  message: string,
): void {
  const place = code === 401 || code === 400 ? {} : { sandboxId, port };
  const body = JSON.stringify({ ...place, code, message });
  response.writeHead(code, { "content-type": "application/json", connection: "close" }).end(body);
}
