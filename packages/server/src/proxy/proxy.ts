import type { EventEmitter } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ENVD_PORT, INTERPRETER_PORT, type SandboxConnection } from "@emberbox/core";
import { withoutSignature } from "@emberbox/core/envd";
import type { Logger } from "pino";
import { errors, request as send, upgrade as ask } from "undici";
import { ApiError, toApiError } from "../api-error.ts";
import type { Sandboxes } from "../sandboxes.ts";
import { type Keyring, operator } from "../tenants.ts";
import { demandAccess, findSigned, parseUrl, TrafficError } from "./access.ts";
import { sendError, writeError } from "./answer.ts";
import { type Headers, requestHeaders, responseHeaders } from "./headers.ts";
import { type Target, targetOf } from "./target.ts";

/** Passes traffic on to sandboxes. */
export interface Proxy {
  /** True for requests that are a sandbox's and not the server's own. */
  claims(request: IncomingMessage): boolean;
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void>;
}

interface Route {
  readonly target: Target;
  readonly connection: SandboxConnection;
}

/** Requests at once to one sandbox's own servers: strangers leave room for what its owner does. */
const MOST_VISITS = 512;

export function createProxy(sandboxes: Sandboxes, keys: Keyring, log: Logger): Proxy {
  const visits = new Map<string, number>();

  /** Counts a request until `end` closes. @throws 429 */
  function countVisit({ sandboxId, port }: Target, end: EventEmitter): void {
    if (port === ENVD_PORT || port === INTERPRETER_PORT) return;
    const others = visits.get(sandboxId) ?? 0;
    if (others >= MOST_VISITS)
      throw new TrafficError(429, sandboxId, "Too many connections to the sandbox", port);
    visits.set(sandboxId, others + 1);
    end.once("close", () => {
      const left = visits.get(sandboxId)! - 1;
      if (left > 0) visits.set(sandboxId, left);
      else visits.delete(sandboxId);
    });
  }

  async function route(request: IncomingMessage, end: EventEmitter): Promise<Route> {
    const target =
      targetOf(request.headers, authorityOf(request)) ?? (await findBySignature(request));
    const { sandboxId, port } = target;
    const network = sandboxes.registry.network(sandboxId);
    demandAccess(request, target, sandboxes.registry.tokens(sandboxId), network);
    countVisit(target, end);
    try {
      return { target, connection: await sandboxes.reach(sandboxId) };
    } catch (error) {
      const known = toApiError(error);
      if (known.status !== 404) throw error;
      throw new TrafficError(502, sandboxId, "The sandbox was not found", port);
    }
  }

  async function findBySignature(request: IncomingMessage): Promise<Target> {
    const url = parseUrl(request.url);
    const ids = (await sandboxes.registry.list(operator)).map(({ info }) => info.sandboxId);
    const sandboxId = findSigned(request.method, url, ids, (id) => sandboxes.registry.tokens(id));
    if (sandboxId === undefined) throw new ApiError(401, "invalid signature");
    return { sandboxId, port: ENVD_PORT };
  }

  /** What the sandbox is sent: without our own headers, with those that its provider wants. */
  function outgoing(request: IncomingMessage, { target, connection }: Route): Headers {
    const { sandboxId, port } = target;
    const mask =
      port === ENVD_PORT ? undefined : sandboxes.registry.network(sandboxId).maskRequestHost;
    const host = mask?.replaceAll("${PORT}", String(port));
    const headers = requestHeaders(request.headers, host, keys.has);
    if (port === ENVD_PORT || port === INTERPRETER_PORT) delete headers["x-access-token"];
    return { ...headers, ...connection.endpoint(port).headers };
  }

  async function forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const found = await route(request, response);
    const { dispatcher } = found.connection.endpoint(found.target.port);
    // A client that goes away takes its request with it.
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    const hasBody = request.method !== "GET" && request.method !== "HEAD";
    const answer = await send(addressed(request, found), {
      dispatcher,
      method: request.method as "GET",
      headers: outgoing(request, found),
      body: hasBody ? request : null,
      signal: gone.signal,
      headersTimeout: 0,
      bodyTimeout: 0,
    }).catch((error: unknown) => {
      throw gone.signal.aborted ? error : unreachable(found, error);
    });
    // What was refused before all of it was read leaves the rest in the connection.
    if (!request.complete && request.httpVersionMajor === 1)
      response.setHeader("connection", "close");
    response.writeHead(answer.statusCode, responseHeaders(answer.headers));
    // Streams begin at once, also those whose first word comes late.
    response.flushHeaders();
    await pipeline(answer.body, response);
  }

  return {
    claims(request) {
      try {
        return (
          targetOf(request.headers, authorityOf(request)) !== undefined || isSignedUrl(request.url)
        );
      } catch {
        return true; // What is wrong with it is said by the proxy.
      }
    },
    async handle(request, response) {
      request.on("error", () => {});
      response.on("error", () => {});
      try {
        await forward(request, response);
      } catch (error) {
        if (response.headersSent) response.destroy();
        else if (!response.destroyed) sendError(request, response, error, log);
      }
    },
    async upgrade(request, socket, head) {
      socket.on("error", () => socket.destroy());
      try {
        const found = await route(request, socket);
        const { dispatcher } = found.connection.endpoint(found.target.port);
        const protocol = String(request.headers.upgrade ?? "websocket");
        const upgraded = await ask(addressed(request, found), {
          dispatcher,
          method: "GET",
          headers: outgoing(request, found),
          protocol,
        }).catch((error: unknown) => {
          throw unreachable(found, error);
        });
        join(socket, upgraded.socket, head, protocol, responseHeaders(upgraded.headers));
      } catch (error) {
        writeError(socket, error, log);
      }
    },
  };
}

/** The URL as the sandbox is to see it. */
function addressed(request: IncomingMessage, { target, connection }: Route): URL {
  const url = new URL(connection.endpoint(target.port).origin + request.url);
  return target.port === ENVD_PORT ? withoutSignature(url) : url;
}

function unreachable({ target, connection }: Route, cause: unknown): ApiError {
  if (cause instanceof errors.InvalidArgumentError) return new ApiError(400, "Invalid request");
  const { sandboxId, port } = target;
  const message =
    connection.gone() === undefined
      ? "The sandbox is running but port is not open"
      : "The sandbox was not found";
  const error = new TrafficError(502, sandboxId, message, port);
  error.cause = cause;
  return error;
}

function join(
  client: Duplex,
  sandbox: Duplex,
  head: Buffer,
  protocol: string,
  headers: Headers,
): void {
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    [value].flat().map((each) => `${name}: ${each}`),
  );
  client.write(
    [
      "HTTP/1.1 101 Switching Protocols",
      `Upgrade: ${protocol}`,
      "Connection: Upgrade",
      ...lines,
      "",
      "",
    ].join("\r\n"),
  );
  if (head.length > 0) sandbox.write(head);
  sandbox.on("error", () => client.destroy());
  client.on("close", () => sandbox.destroy());
  sandbox.on("close", () => client.destroy());
  client.pipe(sandbox).pipe(client);
}

/** A signed URL for a file, which has no sandbox's id anywhere. */
function isSignedUrl(url: string | undefined): boolean {
  return url?.startsWith("/files?") === true && /[?&]signature=/.test(url);
}

/** HTTP/2 has the host in a pseudo-header. */
function authorityOf(request: IncomingMessage): string | undefined {
  return request.headers[":authority"] as string | undefined;
}
