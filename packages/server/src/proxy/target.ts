import type { IncomingHttpHeaders } from "node:http";
import { ENVD_PORT } from "@emberbox/core/envd";
import type { Target } from "@emberbox/ingress";
import { ApiError } from "../api-error.ts";

const hostForm = /^(\d{1,5})-([a-z0-9]{1,64})\./i;

/**
 * The sandbox and port that a request names: by its host, `{port}-{id}.{domain}`, otherwise by the headers that E2B's
 * SDKs send. `undefined` for a request to the server itself.
 * @throws 400
 */
export function targetOf(headers: IncomingHttpHeaders, authority?: string): Target | undefined {
  const named = hostForm.exec(authority ?? headers.host ?? "");
  if (named !== null) {
    return { sandboxId: named[2]!.toLowerCase(), port: parsePort(named[1]!) };
  }
  const id = headers["e2b-sandbox-id"];
  if (id === undefined) return undefined;
  if (typeof id !== "string" || !/^[a-z0-9]{1,64}(-[a-z0-9]{1,64})?$/.test(id))
    throw new ApiError(400, "Invalid sandbox ID");
  const port = headers["e2b-sandbox-port"];
  return {
    sandboxId: id.split("-", 1)[0]!,
    port: port === undefined ? ENVD_PORT : parsePort(String(port)),
  };
}

function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) throw new ApiError(400, "Invalid sandbox port");
  return port;
}
