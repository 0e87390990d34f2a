import type { IncomingMessage } from "node:http";
import { INTERPRETER_PORT, isEqual } from "@emberbox/core/envd";
import { isSigned, refusalOf, type Target } from "@emberbox/ingress";
import { ApiError } from "../api-error.ts";
import { keyOf } from "../control/caller.ts";
import type { KnownNetwork } from "../known-network.ts";
import type { Tokens } from "../tokens.ts";

type Asked = Pick<IncomingMessage, "method" | "url" | "headers">;

/** Decides whether a request may pass to a sandbox. @throws 400, 401, 403, 404 */
export function demandAccess(
  request: Asked,
  target: Target,
  tokens: Tokens,
  network: KnownNetwork,
): void {
  const isPublic = target.port !== INTERPRETER_PORT && network.allowPublicTraffic !== false;
  const refused = refusalOf(request, target.port, {
    access: tokens.envd,
    traffic: isPublic ? undefined : tokens.traffic,
  });
  if (refused === undefined) return;
  const { status, message } = refused;
  throw status === 403 ? new TrafficError(status, target, message) : new ApiError(status, message);
}

/** A request that names no sandbox, and is for one all the same: its token or its signature says for which. */
export function isForSome({ url, headers }: Asked): boolean {
  return isSignedUrl(url) || tokenOf(headers) !== undefined;
}

/**
 * Finds which of several sandboxes such a request is for: by its URL's signature, or by the token that Python's SDK
 * 2.20.3 shows and nothing else, once it has connected to a sandbox.
 */
export function findShown(
  { method, url, headers }: Asked,
  parsed: URL,
  sandboxes: readonly string[],
  tokensOf: (sandboxId: string) => Tokens,
): string | undefined {
  const token = tokenOf(headers);
  return sandboxes.find((sandboxId) => {
    const { envd } = tokensOf(sandboxId);
    if (token !== undefined) return isEqual(token, envd);
    return isSignedUrl(url) && isSigned(method, parsed, envd);
  });
}

/** A sandbox's token; with a key of the server's, the request is for the server. */
function tokenOf(headers: Asked["headers"]): string | undefined {
  const token = headers["x-access-token"];
  return typeof token === "string" && keyOf(headers) === "" ? token : undefined;
}

/** Whether it is a signed URL for a file, which contains no sandbox id. */
function isSignedUrl(url: string | undefined): boolean {
  return url?.startsWith("/files?") === true && /[?&]signature=/.test(url);
}

/** An error on the way to a sandbox; its body names the sandbox. */
export class TrafficError extends ApiError {
  readonly target: Target;

  constructor(status: number, target: Target, message: string) {
    super(status, message);
    this.target = target;
  }
}
