import type { IncomingHttpHeaders } from "node:http";
import { ApiError } from "./api-error.ts";
import { isLoopback, type Settings } from "./options.ts";

const LOCAL = ["localhost", "127.0.0.1", "[::1]"];

/** @throws 403 for a request to a name that is not the server's */
export type HostCheck = (headers: IncomingHttpHeaders) => void;

/**
 * A web page can point its own name at this machine's address and then read what a server here answers. So a server
 * that only this machine can reach answers only to its own names. Elsewhere keys keep pages out, and names are many.
 */
export function createHostCheck(
  { host, allowedHosts }: Pick<Settings, "host" | "allowedHosts">,
  domain: () => string,
): HostCheck {
  if (allowedHosts === undefined && !isLoopback(host)) return () => {};
  const listened = host.includes(":") ? `[${host}]` : host;
  return (headers) => {
    const given = String(headers[":authority"] ?? headers.host ?? "").toLowerCase();
    const name = given.replace(/:\d{0,5}$/, "");
    const own = domain().toLowerCase().replace(/:\d+$/, "");
    const names = [...LOCAL, listened, own, ...(allowedHosts ?? [])];
    const isOwn = names.some((each) => name === each.toLowerCase());
    if (isOwn || name.endsWith(".localhost") || (own !== "" && name.endsWith(`.${own}`))) return;
    throw new ApiError(403, "This server does not go by that host name (--allow-host adds names)");
  };
}
