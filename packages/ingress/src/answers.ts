import { type ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";

/** What a request is for: a port of a sandbox. */
export interface Target {
  readonly sandboxId: string;
  readonly port: number;
}

/** Why a request is not answered by the sandbox. */
export interface Refusal {
  readonly status: number;
  readonly message: string;
}

/** Refusals that do not depend on the request. */
export const refusals: Readonly<Record<"notHttp" | "gone" | "closed", Refusal>> = {
  notHttp: { status: 400, message: "The port takes HTTP requests only, to paths, with one host" },
  gone: { status: 502, message: "The sandbox was not found" },
  closed: { status: 502, message: "The sandbox is running but port is not open" },
};

/**
 * A refusal in E2B's form. Where the sandbox's agent would answer itself, about tokens and routes, it names no sandbox.
 */
export function refusalBody(target: Target, { status, message }: Refusal): string {
  const { sandboxId, port } = target;
  const named = status === 401 || status === 404 ? {} : { sandboxId, port };
  return JSON.stringify({ ...named, code: status, message });
}

/** Answers a request and closes its connection. */
export function refuse(response: ServerResponse, target: Target, refusal: Refusal): void {
  if (response.headersSent) return void response.destroy();
  const body = refusalBody(target, refusal);
  response.writeHead(refusal.status, { "Content-Type": "application/json", Connection: "close" });
  response.end(body);
}

/** A complete JSON answer as bytes, after which the connection is closed. */
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

/** Ends a connection with a refusal, if it can still be written to. */
export function refuseConnection(client: Duplex, target: Target, refusal: Refusal): void {
  endConnection(client, refusal.status, refusalBody(target, refusal));
}

/** Ends a connection with a JSON answer, if it can still be written to. */
export function endConnection(client: Duplex, status: number, body: string): void {
  if (!client.writable) return void client.destroy();
  client.unpipe();
  client.end(rawAnswer(status, body));
  // What it still sends is discarded for a while, so that the answer is not lost to a reset.
  client.resume();
  setTimeout(() => client.destroy(), LINGER_MS).unref();
}

const LINGER_MS = 2000;
