import type { IncomingHttpHeaders } from "node:http";
import type { FastifyRequest } from "fastify";
import { ApiError } from "../api-error.ts";
import type { Caller, Keyring } from "../tenants.ts";

const callers = new WeakMap<object, Caller>();

/** @throws 401 without a key that the server accepts */
export function rememberCaller(request: FastifyRequest, keys: Keyring): void {
  callers.set(request.raw, demandCaller(request.headers, keys));
}

/** Who sent a request. */
export function callerOf({ raw }: Pick<FastifyRequest, "raw">): Caller {
  const caller = callers.get(raw);
  if (caller === undefined) throw new ApiError(401, "Nobody has asked who sent this request");
  return caller;
}

/** The key that a request shows, known or not. */
export function keyOf(headers: IncomingHttpHeaders): string {
  const bearer = /^Bearer (.+)$/i.exec(headers.authorization ?? "")?.[1];
  return String(headers["x-api-key"] ?? bearer ?? "");
}

/** @throws 401 */
export function demandCaller(headers: IncomingHttpHeaders, keys: Keyring): Caller {
  const given = keyOf(headers);
  if (given === "") throw new ApiError(401, "API key is missing, or its header is not X-API-KEY");
  const caller = keys.callerOf(given);
  if (caller === undefined) throw new ApiError(401, "Invalid API key");
  return caller;
}

/** @throws 401, 403 */
export function demandOperator(headers: IncomingHttpHeaders, keys: Keyring): void {
  if (!demandCaller(headers, keys).isOperator)
    throw new ApiError(403, "Several tenants share this server: only its operator may see this");
}

/** All tenants use the same templates, so where there are several, none of them may change those. @throws 403 */
export function demandBuilder(request: Pick<FastifyRequest, "raw">, keys: Keyring): Caller {
  const caller = callerOf(request);
  if (caller.isOperator || !keys.isShared) return caller;
  throw new ApiError(
    403,
    "Several tenants share this server and its templates: only its operator may build and delete them",
  );
}
