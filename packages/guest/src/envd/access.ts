import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { AgentContext } from "../context.ts";
import { HttpError } from "./http-error.ts";

const unauthorized =
  "unauthorized access, please provide a valid access token or method signing if supported";

/** Demands the access token, where there is one. */
export function demandToken(request: IncomingMessage, context: AgentContext): void {
  if (context.accessToken === undefined) return;
  if (!isEqual(String(request.headers["x-access-token"] ?? ""), context.accessToken))
    throw new HttpError(401, unauthorized);
}

/** Demands the access token or, for one file and one operation, a signature made with it. */
export function demandTokenOrSignature(
  request: IncomingMessage,
  query: URLSearchParams,
  operation: "read" | "write",
  context: AgentContext,
): void {
  const signature = query.get("signature");
  if (context.accessToken === undefined) return;
  if (request.headers["x-access-token"] !== undefined || signature === null)
    return demandToken(request, context);
  const expiration = query.get("signature_expiration");
  const expected = signFile(
    { path: query.get("path") ?? "", operation, user: query.get("username") ?? "", expiration },
    context.accessToken,
  );
  if (!isEqual(signature, expected)) throw new HttpError(401, "invalid signature");
  if (expiration !== null && !(Number(expiration) * 1000 > Date.now())) {
    throw new HttpError(401, "signature is already expired");
  }
}

export interface FileGrant {
  readonly path: string;
  readonly operation: "read" | "write";
  readonly user: string;
  /** Unix time in seconds, as text, or `null` for no end. */
  readonly expiration: string | null;
}

export function signFile({ path, operation, user, expiration }: FileGrant, token: string): string {
  const parts = [path, operation, user, token];
  if (expiration !== null) parts.push(expiration);
  return `v1_${createHash("sha256").update(parts.join(":")).digest("base64").replace(/=+$/, "")}`;
}

function isEqual(given: string, expected: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(expected)];
  return one.length === other.length && timingSafeEqual(one, other);
}
