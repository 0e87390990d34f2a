import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { endConnection, refusalBody } from "@emberbox/ingress";
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
  const body = wantsPage ? pageOf(error) : bodyOf(error);
  const headers: OutgoingHttpHeaders = {
    "content-type": wantsPage ? "text/html; charset=utf-8" : "application/json",
    "content-length": Buffer.byteLength(body),
  };
  if (error.retryAfterSeconds !== undefined)
    headers["retry-after"] = String(error.retryAfterSeconds);
  // The rest of the request is not read.
  if (!request.complete && request.httpVersionMajor === 1) headers["connection"] = "close";
  response.writeHead(error.status, headers);
  response.end(body);
}

/** The same for a connection that is no longer HTTP. */
export function writeError(socket: Duplex, thrown: unknown, log: Logger): void {
  const error = known(thrown, log);
  endConnection(socket, error.status, bodyOf(error));
}

function known(thrown: unknown, log: Logger): ApiError {
  const error = toApiError(thrown);
  if (error.status >= 500 && error.status !== 502) log.error({ err: thrown }, "a request failed");
  return error;
}

function bodyOf(error: ApiError): string {
  return error instanceof TrafficError
    ? refusalBody(error.target, error)
    : JSON.stringify(errorBody(error));
}

function pageOf(error: ApiError): string {
  const text = error.message.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<!doctype html><meta charset="utf-8"><title>${error.status}</title><h1>${error.status}</h1><p>${text}</p>\n`;
}
