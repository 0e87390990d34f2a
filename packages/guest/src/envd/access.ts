import type { IncomingMessage } from "node:http";
import { isEqual, signFile } from "@emberbox/core/envd";
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
