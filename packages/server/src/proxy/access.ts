import type { IncomingMessage } from "node:http";
import { INTERPRETER_PORT } from "@emberbox/core/envd";
import { isSigned, refusalOf, type Target } from "@emberbox/ingress";
import { ApiError } from "../api-error.ts";
import type { KnownNetwork } from "../known-network.ts";
import type { Tokens } from "../tokens.ts";

/** Decides whether a request may pass to a sandbox. @throws 400, 401, 403, 404 */
export function demandAccess(
  request: Pick<IncomingMessage, "method" | "url" | "headers">,
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

/** Finds which of several sandboxes a signed URL is for, since it names none. */
export function findSigned(
  method: string | undefined,
  url: URL,
  sandboxes: readonly string[],
  tokensOf: (sandboxId: string) => Tokens,
): string | undefined {
  return sandboxes.find((sandboxId) => isSigned(method, url, tokensOf(sandboxId).envd));
}

/** An error on the way to a sandbox; its body names the sandbox. */
export class TrafficError extends ApiError {
  readonly target: Target;

  constructor(status: number, target: Target, message: string) {
    super(status, message);
    this.target = target;
  }
}
