import { codeOfStatus, type ErrorCode } from "../error-codes.ts";
import { EmberboxError } from "../errors.ts";

/** Errors that the control plane answers with. */
const expected: readonly ErrorCode[] = [
  "invalid_argument",
  "unauthorized",
  "sandbox_not_found",
  "sandbox_paused",
  "rate_limited",
  "unsupported",
  "host_disk_full",
];
/** Further statuses of E2B's own service. */
const others: Readonly<Record<number, ErrorCode>> = { 403: "unauthorized", 503: "rate_limited" };

/** The error for a failed request to the control plane. */
export function apiError(status: number, body: unknown, retryAfterMs?: number): EmberboxError {
  const message = messageOf(body) ?? `The service answered with status ${status}`;
  const code = codeOfStatus(status, expected) ?? others[status] ?? "service_failed";
  return new EmberboxError(code, message, {
    details: {
      status,
      ...(retryAfterMs !== undefined && { retryAfterSeconds: retryAfterMs / 1000 }),
    },
  });
}

/** The same failure under another code, where the path says what is missing. */
export function renamed(error: unknown, from: ErrorCode, to: ErrorCode): unknown {
  if (!EmberboxError.isInstance(error) || error.code !== from) return error;
  return new EmberboxError(to, error.message, { details: error.details });
}

function messageOf(body: unknown): string | undefined {
  if (typeof body !== "object" || body === null || !("message" in body)) return undefined;
  return typeof body.message === "string" && body.message !== "" ? body.message : undefined;
}
