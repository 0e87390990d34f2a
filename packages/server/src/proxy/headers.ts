import type { IncomingHttpHeaders } from "node:http";

/** Headers of one connection only, which are not passed on. */
const hopByHop = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
]);
/** Headers that are for this server. */
const ours = new Set(["e2b-sandbox-id", "e2b-sandbox-port", "e2b-traffic-access-token", "expect"]);

export type Headers = Record<string, string | string[]>;

/** What of a request's headers goes to the sandbox; `host` takes the place of the client's. */
export function requestHeaders(headers: IncomingHttpHeaders, host: string | undefined): Headers {
  const kept = pass(headers, (name) => ours.has(name));
  const known = host ?? (headers[":authority"] as string | undefined);
  if (known !== undefined) kept["host"] = known;
  return kept;
}

export function responseHeaders(headers: IncomingHttpHeaders): Headers {
  return pass(headers, () => false);
}

function pass(headers: IncomingHttpHeaders, isRefused: (name: string) => boolean): Headers {
  const named = new Set(
    String(headers.connection ?? "")
      .split(",")
      .map((name) => name.trim().toLowerCase()),
  );
  const kept: Headers = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || name.startsWith(":")) continue;
    if (hopByHop.has(name) || named.has(name) || isRefused(name)) continue;
    kept[name] = value;
  }
  return kept;
}
