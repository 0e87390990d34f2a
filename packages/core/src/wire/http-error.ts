import type { Dispatcher } from "undici";
import { codeOfStatus, type ErrorCode } from "../error-codes.ts";
import { EmberboxError } from "../errors.ts";
import { collectText } from "./body.ts";

/** Errors that a sandbox's services answer with. */
const expected: readonly ErrorCode[] = [
  "invalid_argument",
  "unauthorized",
  "permission_denied",
  "file_not_found",
  "file_exists",
  "file_too_large",
  "rate_limited",
  "disk_full",
];
/** What a proxy answers when the sandbox behind it is gone. */
const BAD_GATEWAY = 502;

/** The error for an answer with a failure status. `special` overrides the meaning of a status. */
export async function httpError(
  response: Dispatcher.ResponseData,
  special: Readonly<Record<number, ErrorCode>> = {},
): Promise<EmberboxError> {
  return errorOfStatus(response.statusCode, messageOf(await collectText(response.body)), special);
}

export function errorOfStatus(
  status: number,
  message: string,
  special: Readonly<Record<number, ErrorCode>> = {},
): EmberboxError {
  if (status === 401 && /invalid username/.test(message))
    return new EmberboxError("invalid_argument", message);
  const usual = status === BAD_GATEWAY ? "sandbox_closed" : codeOfStatus(status, expected);
  const code = special[status] ?? usual ?? "protocol_error";
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
