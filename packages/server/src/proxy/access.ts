import type { IncomingMessage } from "node:http";
import { ENVD_PORT, INTERPRETER_PORT } from "@emberbox/core";
import { isEqual, signFile } from "@emberbox/core/envd";
import { ApiError } from "../api-error.ts";
import type { KnownNetwork } from "../known-network.ts";
import type { Tokens } from "../tokens.ts";
import type { Target } from "./target.ts";

/** Routes of envd that only the engine may call. */
const internal = new Set([
  "init",
  "freeze",
  "unfreeze",
  "collapse",
  "fsfreeze",
  "fsthaw",
  "upgrade",
]);

const unauthorized =
  "unauthorized access, please provide a valid access token or method signing if supported";

/** Lets a request through to a sandbox, or not. @throws 401, 403, 404 */
export function demandAccess(
  request: Pick<IncomingMessage, "method" | "url" | "headers">,
  target: Target,
  tokens: Tokens,
  network: KnownNetwork,
): void {
  const url = parseUrl(request.url);
  if (target.port === ENVD_PORT) return demandEnvdAccess(request, url, tokens);
  const isInterpreter = target.port === INTERPRETER_PORT;
  if (isInterpreter && !isForVisitors(url)) return demandToken(request, tokens);
  if (isInterpreter || network.allowPublicTraffic === false)
    demandTrafficToken(request, target, tokens);
}

/** Routes of the interpreter for which E2B's SDKs send the token of traffic only; they send both to run code. */
function isForVisitors({ pathname }: URL): boolean {
  return /^\/(health$|contexts(\/|$))/.test(pathname);
}

/** The path and query of a request; a path may begin with two slashes. @throws 400 */
export function parseUrl(url: string | undefined): URL {
  const parsed = url?.startsWith("/") ? URL.parse(`http://sandbox${url}`) : null;
  if (parsed === null) throw new ApiError(400, "Invalid path");
  return parsed;
}

/** Which of several sandboxes a signed URL is for, which names none. */
export function findSigned(
  method: string | undefined,
  url: URL,
  sandboxes: readonly string[],
  tokensOf: (sandboxId: string) => Tokens,
): string | undefined {
  return sandboxes.find((sandboxId) => isSigned(method, url, tokensOf(sandboxId)));
}

function demandEnvdAccess(
  request: Pick<IncomingMessage, "method" | "headers">,
  url: URL,
  tokens: Tokens,
): void {
  const { method, headers } = request;
  const route = decode(url.pathname).split("/").find(Boolean) ?? "";
  if (internal.has(route.toLowerCase())) throw new ApiError(404, "not found");
  if (method === "GET" && url.pathname === "/health") return;
  const isFile = url.pathname === "/files" && (method === "GET" || method === "POST");
  const isSignedUrl = url.searchParams.has("signature") && headers["x-access-token"] === undefined;
  if (!isFile || !isSignedUrl) return demandToken(request, tokens);
  if (!isSigned(method, url, tokens)) throw new ApiError(401, "invalid signature");
  const expiration = url.searchParams.get("signature_expiration");
  if (expiration !== null && !(Number(expiration) * 1000 > Date.now()))
    throw new ApiError(401, "signature is already expired");
}

function isSigned(method: string | undefined, { searchParams }: URL, tokens: Tokens): boolean {
  const grant = {
    path: searchParams.get("path") ?? "",
    operation: method === "GET" ? ("read" as const) : ("write" as const),
    user: searchParams.get("username") ?? "",
    expiration: searchParams.get("signature_expiration"),
  };
  return isEqual(searchParams.get("signature") ?? "", signFile(grant, tokens.envd));
}

function demandToken({ headers }: Pick<IncomingMessage, "headers">, tokens: Tokens): void {
  if (!isEqual(String(headers["x-access-token"] ?? ""), tokens.envd))
    throw new ApiError(401, unauthorized);
}

function demandTrafficToken(
  { headers }: Pick<IncomingMessage, "headers">,
  { sandboxId }: Target,
  tokens: Tokens,
): void {
  const given = headers["e2b-traffic-access-token"];
  // Who may do more may do this.
  if (isEqual(String(headers["x-access-token"] ?? ""), tokens.envd)) return;
  if (given === undefined)
    throw new TrafficError(403, sandboxId, "The traffic access token is missing");
  if (!isEqual(String(given), tokens.traffic))
    throw new TrafficError(403, sandboxId, "The traffic access token is not valid");
}

/** An error of the way to a sandbox; its body names the sandbox. */
export class TrafficError extends ApiError {
  readonly sandboxId: string;
  readonly port: number | undefined;

  constructor(status: number, sandboxId: string, message: string, port?: number) {
    super(status, message);
    this.sandboxId = sandboxId;
    this.port = port;
  }
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
