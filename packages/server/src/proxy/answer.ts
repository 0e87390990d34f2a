import {
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
  STATUS_CODES,
} from "node:http";
import type { Duplex } from "node:stream";
import type { Logger } from "pino";
import { type ApiError, errorBody, toApiError } from "../api-error.ts";
import { TrafficError } from "./access.ts";

/** Answers a request for a sandbox with an error: a page for browsers, JSON for all others. */
export function sendError(
  request: IncomingMessage,
  response: ServerResponse,
  thrown: unknown,
  log: Logger,
): void {
  const error = known(thrown, log);
  const wantsPage = /^text\/html\b/.test(String(request.headers.accept ?? ""));
  const body = wantsPage ? pageOf(error) : JSON.stringify(bodyOf(error));
  const headers: OutgoingHttpHeaders = {
    "content-type": wantsPage ? "text/html; charset=utf-8" : "application/json",
    "content-length": Buffer.byteLength(body),
  };
  if (error.retryAfterSeconds !== undefined)
    headers["retry-after"] = String(error.retryAfterSeconds);
  // The rest of what it sends is not read.
  if (!request.complete && request.httpVersionMajor === 1) headers["connection"] = "close";
  response.writeHead(error.status, headers);
  response.end(body);
}

/** The same for a connection that is not HTTP's any more. */
export function writeError(socket: Duplex, thrown: unknown, log: Logger): void {
  const error = known(thrown, log);
  if (!socket.writable) return void socket.destroy();
  socket.end(rawAnswer(error.status, JSON.stringify(bodyOf(error))));
}

/** A whole answer as text. */
export function rawAnswer(status: number, body: string): string {
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    "Content-Type: application/json",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
    "",
    body,
  ].join("\r\n");
}

function known(thrown: unknown, log: Logger): ApiError {
  const error = toApiError(thrown);
  if (error.status >= 500 && error.status !== 502) log.error({ err: thrown }, "a request failed");
  return error;
}

function bodyOf(error: ApiError): Record<string, unknown> {
  if (!(error instanceof TrafficError)) return { ...errorBody(error) };
  const { sandboxId, message, port, status } = error;
  return { sandboxId, message, ...(port !== undefined && { port }), code: status };
}

function pageOf(error: ApiError): string {
  const text = error.message.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<!doctype html><meta charset="utf-8"><title>${error.status}</title><h1>${error.status}</h1><p>${text}</p>\n`;
}
