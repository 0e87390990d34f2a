import { requestHeaders } from "@emberbox/ingress";

/** Headers that are meant for this server. */
const ours = new Set(["e2b-sandbox-id", "e2b-sandbox-port", "e2b-traffic-access-token"]);

/** The form of E2B's and this server's keys, and of sandboxes' tokens, whoever they belong to. */
const credential = /^(e2b_[0-9a-f]{40}|sk_e2b_\S+|[0-9a-f]{64})$/i;
const tokenHeaders = new Set(["x-api-key", "x-access-token", "authorization"]);

interface Choice {
  /** Replaces the client's `Host`. */
  readonly host?: string | undefined;
  /** Whether a text would open this server. */
  readonly isKey?: (text: string) => boolean;
  /** Further names that are not passed on, in lower case. */
  readonly without?: ReadonlySet<string>;
}

/**
 * The part of a request's raw headers that goes to the sandbox. What would open this server or a sandbox is left out,
 * whatever header it is in.
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
