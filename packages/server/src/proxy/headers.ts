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

/** What keys of E2B's and of this server look like, and the tokens of sandboxes, whosever they are. */
const credential = /^(e2b_[0-9a-f]{40}|sk_e2b_\S+|[0-9a-f]{64})$/i;
const tokenHeaders = new Set(["x-api-key", "x-access-token", "authorization"]);

export type Headers = Record<string, string | string[]>;

/**
 * What of a request's headers goes to the sandbox; `host` takes the place of the client's. What would open this server
 * or a sandbox does not, in whatever header it stands.
 */
export function requestHeaders(
  headers: IncomingHttpHeaders,
  host: string | undefined,
  isKey: (text: string) => boolean = () => false,
): Headers {
  const isSecret = (name: string, value: string | string[]): boolean =>
    String(value)
      .split(/[\s,;]+/)
      .some((part) => isKey(part) || (tokenHeaders.has(name) && credential.test(part)));
  const kept = pass(headers, (name, value) => ours.has(name) || isSecret(name, value));
  const known = host ?? (headers[":authority"] as string | undefined);
  if (known !== undefined) kept["host"] = known;
  return kept;
}

export function responseHeaders(headers: IncomingHttpHeaders): Headers {
  return pass(headers, () => false);
}

function pass(
  headers: IncomingHttpHeaders,
  isRefused: (name: string, value: string | string[]) => boolean,
): Headers {
  const named = new Set(
    String(headers.connection ?? "")
      .split(",")
      .map((name) => name.trim().toLowerCase()),
  );
  const kept: Headers = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || name.startsWith(":")) continue;
    if (hopByHop.has(name) || named.has(name) || isRefused(name, value)) continue;
    kept[name] = value;
  }
  return kept;
}
