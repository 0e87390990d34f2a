import type { NetworkOptions, PairMatch, RequestMatch, TextMatch } from "@emberbox/core/network";
import { type NamePattern, parsePattern } from "./hosts.ts";

/** What a rule can tell a request by. Headers are names and values in turn. */
export interface RuledRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly string[];
}

/** The headers to set on a request. */
export type HeadersFor = (request: RuledRequest) => Readonly<Record<string, string>>;

/** The rules of a policy, by host. */
export interface HostRules {
  readonly pattern: NamePattern;
  readonly headersFor: HeadersFor;
}

/** @throws what `refuse` does, for what is not a host name */
export function parseRules(
  rules: NetworkOptions["rules"] = {},
  refuse: (host: string) => Error,
): HostRules[] {
  return Object.entries(rules).map(([host, list]) => {
    const pattern = parsePattern(host);
    if (!pattern) throw refuse(host);
    const headersFor: HeadersFor = (request) =>
      merged(
        list
          .filter(({ match }) => match === undefined || isMatch(match, request))
          .map(({ transform }) => transform.headers),
      );
    return { pattern, headersFor };
  });
}

/** What all rules for a host set on its requests; `undefined` when there are none. */
export function rulesFor(rules: readonly HostRules[], name: string): HeadersFor | undefined {
  const own = rules.filter(({ pattern }) => pattern.matches(name));
  if (own.length === 0) return undefined;
  return (request) => merged(own.map(({ headersFor }) => headersFor(request)));
}

/** Later ones win, however their names are written. */
function merged(all: readonly Readonly<Record<string, string>>[]): Record<string, string> {
  const entries = all.flatMap((headers) => Object.entries(headers));
  return Object.fromEntries(
    new Map(entries.map((entry) => [entry[0].toLowerCase(), entry])).values(),
  );
}

/** True when the request has everything that the match names. */
function isMatch({ path, methods, query, headers }: RequestMatch, request: RuledRequest): boolean {
  const [own = "", ...rest] = request.url.split("?");
  if (methods && !methods.includes(request.method)) return false;
  if (path && (isAmbiguous(own) || !isText(path, own))) return false;
  if (query) {
    const pairs = [...new URLSearchParams(rest.join("?"))];
    if (!query.every((each) => isAmong(each, pairs))) return false;
  }
  if (!headers) return true;
  const pairs = request.headers.flatMap((name, index): Pair[] =>
    index % 2 === 0 ? [[name.toLowerCase(), request.headers[index + 1]!]] : [],
  );
  return headers.every(({ name, value }) => isAmong({ name: name && lower(name), value }, pairs));
}

/** A server may take such a path for another one than it reads. */
function isAmbiguous(path: string): boolean {
  return /\/\/|\\|\/\.{1,2}(\/|$)|%(2e|2f|5c)/i.test(path);
}

type Pair = readonly [name: string, value: string];

/** At least one pair is meant, and where a name is asked for, none of that name has another value. */
function isAmong({ name, value }: PairMatch, pairs: readonly Pair[]): boolean {
  const named = pairs.filter(([own]) => isText(name, own));
  const good = named.filter(([, own]) => isText(value, own));
  return good.length > 0 && (name === undefined || good.length === named.length);
}

function isText(match: TextMatch | undefined, text: string): boolean {
  if (match === undefined) return true;
  return "exact" in match ? text === match.exact : text.startsWith(match.startsWith);
}

function lower(match: TextMatch): TextMatch {
  return "exact" in match
    ? { exact: match.exact.toLowerCase() }
    : { startsWith: match.startsWith.toLowerCase() };
}
