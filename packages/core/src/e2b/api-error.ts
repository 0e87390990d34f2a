import { EmberboxError, type ErrorCode } from "../errors.ts";

const codes: Readonly<Record<number, ErrorCode>> = {
  400: "invalid_argument",
  401: "unauthorized",
  403: "unauthorized",
  404: "sandbox_not_found",
  409: "sandbox_paused",
  429: "rate_limited",
  501: "unsupported",
  503: "rate_limited",
  507: "host_disk_full",
};

/** The error that a failed request to the control plane stands for. */
export function apiError(status: number, body: unknown, retryAfterMs?: number): EmberboxError {
  const message = messageOf(body) ?? `The service answered with status ${status}`;
  return new EmberboxError(codes[status] ?? "service_failed", message, {
    details: {
      status,
      ...(retryAfterMs !== undefined && { retryAfterSeconds: retryAfterMs / 1000 }),
    },
  });
}

/** The same failure, called by another name where the path says what is missing. */
export function renamed(error: unknown, from: ErrorCode, to: ErrorCode): unknown {
  if (!EmberboxError.isInstance(error) || error.code !== from) return error;
  return new EmberboxError(to, error.message, { details: error.details });
}

function messageOf(body: unknown): string | undefined {
  if (typeof body !== "object" || body === null || !("message" in body)) return undefined;
  return typeof body.message === "string" && body.message !== "" ? body.message : undefined;
}
