import { requestHeaders } from "@emberbox/ingress";

/** Headers that are for this server. */
const ours = new Set(["e2b-sandbox-id", "e2b-sandbox-port", "e2b-traffic-access-token"]);

/** What keys of E2B's and of this server look like, and the tokens of sandboxes, whosever they are. */
const credential = /^(e2b_[0-9a-f]{40}|sk_e2b_\S+|[0-9a-f]{64})$/i;
const tokenHeaders = new Set(["x-api-key", "x-access-token", "authorization"]);

interface Choice {
  /** Takes the place of the client's `Host`. */
  readonly host?: string | undefined;
  /** What would open this server. */
  readonly isKey?: (text: string) => boolean;
  /** More names that do not go on, in lower case. */
  readonly without?: ReadonlySet<string>;
}

/**
 * What of a request's raw headers goes to the sandbox. What would open this server or a sandbox does not, in whatever
 * header it stands.
 */
export function headersInside(
  rawHeaders: readonly string[],
  { host, isKey = () => false, without = new Set() }: Choice = {},
): string[] {
  const isSecret = (name: string, value: string): boolean =>
    value
      .split(/[\s,;]+/)
      .some((part) => isKey(part) || (tokenHeaders.has(name) && credential.test(part)));
  const isDropped = (name: string, value: string): boolean =>
    ours.has(name) || without.has(name) || isSecret(name, value);
  return requestHeaders(rawHeaders, host, isDropped);
}
