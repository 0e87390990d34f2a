import type { IncomingMessage } from "node:http";
import { ENVD_PORT, INTERPRETER_PORT, isAgentPort, isEqual, signFile } from "@emberbox/core/envd";
import type { Refusal } from "./answers.ts";

export const TRAFFIC_TOKEN = "e2b-traffic-access-token";

/** The tokens that open a sandbox. */
export interface Tokens {
  /** Required as `X-Access-Token` for files, processes and code, unless `undefined`. */
  readonly access: string | undefined;
  /** Required as `e2b-traffic-access-token` for its own servers, unless `undefined`. */
  readonly traffic: string | undefined;
}

/** Headers that open sandboxes, or may: the agent inside does not need them. */
export const credentialHeaders: ReadonlySet<string> = new Set([
  ...["x-access-token", "x-api-key", TRAFFIC_TOKEN, "cookie"],
]);

/** Routes of envd that only the engine may call. */
const internal: ReadonlySet<string> = new Set([
  ...["init", "freeze", "unfreeze", "collapse", "fsfreeze", "fsthaw", "upgrade"],
]);

const invalidPath: Refusal = { status: 400, message: "Invalid path" };

type Asked = Pick<IncomingMessage, "method" | "url" | "headers">;

/** Why a request to a port of a sandbox is refused, in the words of E2B's envd; `undefined` when it may pass. */
export function refusalOf(request: Asked, port: number, tokens: Tokens): Refusal | undefined {
  const url = parseUrl(request.url);
  if (url === undefined) return invalidPath;
  const { access, traffic } = tokens;
  if (port === ENVD_PORT && isInternal(url)) return { status: 404, message: "not found" };
  const isVisit = traffic !== undefined && port === INTERPRETER_PORT && isForVisitors(url);
  if (isAgentPort(port) && access !== undefined && !isVisit)
    return withoutAccess(request, url, access);
  if (port === ENVD_PORT || traffic === undefined) return undefined;
  // Whoever may do more may do this.
  if (access !== undefined && shows(request, "x-access-token", access)) return undefined;
  if (shows(request, TRAFFIC_TOKEN, traffic)) return undefined;
  const fault = request.headers[TRAFFIC_TOKEN] === undefined ? "missing" : "not valid";
  return { status: 403, message: `The header ${TRAFFIC_TOKEN} is ${fault}` };
}

/** The path and query of a request, whose path may begin with two slashes; `undefined` if it has another form. */
export function parseUrl(url: string | undefined): URL | undefined {
  return (url?.startsWith("/") ? URL.parse(`http://sandbox${url}`) : null) ?? undefined;
}

/** Whether the signature of a file's URL was made with a token. */
export function isSigned(
  method: string | undefined,
  { searchParams }: URL,
  token: string,
): boolean {
  const grant = {
    path: searchParams.get("path") ?? "",
    operation: method === "GET" ? ("read" as const) : ("write" as const),
    user: searchParams.get("username") ?? "",
    expiration: searchParams.get("signature_expiration"),
  };
  return isEqual(searchParams.get("signature") ?? "", signFile(grant, token));
}

/** The URL as a sandbox may see it: its memory may be copied, and the copy may belong to somebody else. */
export function withoutSignature(url: URL): URL {
  if (!url.searchParams.has("signature")) return url;
  const bare = new URL(url);
  for (const name of ["signature", "signature_expiration"]) bare.searchParams.delete(name);
  return bare;
}

function isInternal({ pathname }: URL): boolean {
  const route = decode(pathname).split("/").find(Boolean) ?? "";
  return internal.has(route.toLowerCase());
}

/** Routes of the interpreter for which E2B's SDKs send only the traffic token; to run code they send both. */
function isForVisitors({ pathname }: URL): boolean {
  return /^\/(health$|contexts(\/|$))/.test(pathname);
}

function withoutAccess(request: Asked, url: URL, token: string): Refusal | undefined {
  const { method, headers } = request;
  if (method === "GET" && url.pathname === "/health") return undefined;
  const query = url.searchParams;
  const isFile = url.pathname === "/files" && (method === "GET" || method === "POST");
  if (!isFile || headers["x-access-token"] !== undefined || !query.has("signature"))
    return shows(request, "x-access-token", token) ? undefined : unauthorized;
  if (!isSigned(method, url, token)) return { status: 401, message: "invalid signature" };
  const expiration = query.get("signature_expiration");
  return expiration === null || Number(expiration) * 1000 > Date.now()
    ? undefined
    : { status: 401, message: "signature is already expired" };
}

const unauthorized: Refusal = {
  status: 401,
  message:
    "unauthorized access, please provide a valid access token or method signing if supported",
};

/** Node joins the values of a header that was sent more than once. */
function shows({ headers }: Asked, name: string, token: string): boolean {
  const values = String(headers[name] ?? "").split(",");
  return values.some((value) => isEqual(value.trim(), token));
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
