import type { Dispatcher } from "undici";
import { EmberboxError, type ErrorCode } from "../errors.ts";
import { collectText } from "./body.ts";

const codes: Readonly<Record<number, ErrorCode>> = {
  400: "invalid_argument",
  401: "unauthorized",
  403: "permission_denied",
  404: "file_not_found",
  409: "file_exists",
  413: "file_too_large",
  429: "rate_limited",
  502: "sandbox_closed",
  507: "disk_full",
};

/** The error that an answer with a failure status stands for. `special` overrides what a status means. */
export async function httpError(
  response: Dispatcher.ResponseData,
  special: Readonly<Record<number, ErrorCode>> = {},
): Promise<EmberboxError> {
  const status = response.statusCode;
  const message = messageOf(await collectText(response.body));
  if (status === 401 && /invalid username/.test(message))
    return new EmberboxError("invalid_argument", message);
  const code = special[status] ?? codes[status] ?? "protocol_error";
  return new EmberboxError(code, message || `The sandbox answered with status ${status}`, {
    details: { status },
  });
}

/** Bodies are `{"code", "message"}`, `{"detail"}`, or plain text. */
function messageOf(body: string): string {
  try {
    const parsed = JSON.parse(body) as { message?: unknown; detail?: unknown } | string | null;
    if (typeof parsed === "string") return parsed;
    const message = parsed?.message ?? parsed?.detail;
    return typeof message === "string" ? message : body.trim();
  } catch {
    return body.trim();
  }
}
