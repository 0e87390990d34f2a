import type { ServerResponse } from "node:http";
import { RpcError, sendJson } from "./connect.ts";
import { fileError } from "./paths.ts";

/** An error of the plain HTTP part of the API: `{"code": 404, "message": "..."}`. */
export class HttpError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const statusOf: Partial<Record<RpcError["code"], number>> = {
  invalid_argument: 400,
  already_exists: 400,
  unauthenticated: 401,
  permission_denied: 403,
  not_found: 404,
  resource_exhausted: 507,
};

export function sendHttpError(response: ServerResponse, error: unknown): void {
  const { status, message } = toHttpError(error, "");
  sendJson(response, status, { code: status, message });
}

/** The plain HTTP form of whatever was thrown while working on `path`. */
export function toHttpError(error: unknown, path: string): HttpError {
  if (error instanceof HttpError) return error;
  const { code, message } = fileError(error, path);
  return new HttpError(statusOf[code] ?? 500, message);
}
