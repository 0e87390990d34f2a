import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { ENVD_PORT } from "@emberbox/core/envd";
import type { Target } from "@emberbox/ingress";
import { ApiError } from "../api-error.ts";

/** Older releases of Python's SDK, such as 2.20.3, send the headers for a sandbox with this request, which is for the server. */
const connectForm = /^\/sandboxes\/[^/?]+\/connect(?:\?|$)/;
const hostForm = /^(\d{1,5})-([a-z0-9]{1,64})\./i;

/**
 * The sandbox and port that a request names: by its host, `{port}-{id}.{domain}`, otherwise by the headers that E2B's
 * SDKs send. `undefined` for a request to the server itself.
 * @throws 400
 */
export function targetOf(
  headers: IncomingHttpHeaders,
  authority?: string,
  url = "",
): Target | undefined {
  const named = hostForm.exec(authority ?? headers.host ?? "");
  if (named !== null) {
    return { sandboxId: named[2]!.toLowerCase(), port: parsePort(named[1]!) };
  }
  const id = headers["e2b-sandbox-id"];
  if (id === undefined) return undefined;
  if (typeof id !== "string" || !/^[a-z0-9]{1,64}(-[a-z0-9]{1,64})?$/.test(id))
    throw new ApiError(400, "Invalid sandbox ID");
  const given = headers["e2b-sandbox-port"];
  const port = given === undefined ? ENVD_PORT : parsePort(String(given));
  // The sandbox's agent has no such path.
  if (port === ENVD_PORT && connectForm.test(url)) return undefined;
  return { sandboxId: id.split("-", 1)[0]!, port };
}

function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) throw new ApiError(400, "Invalid sandbox port");
  return port;
}

/** The target that a request names, if it names one. HTTP/2 has the host in a pseudo-header. @throws 400 */
export const requested = ({ headers, url }: IncomingMessage): Target | undefined =>
  targetOf(headers, headers[":authority"] as string | undefined, url);
