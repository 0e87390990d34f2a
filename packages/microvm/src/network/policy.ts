import { EmberboxError } from "@emberbox/core";
import type { NetworkOptions } from "@emberbox/core/network";
import {
  type Address,
  contains,
  coverEverything,
  isSpecialRange,
  parseAddress,
  parseRange,
  type Range,
  specialKind,
} from "./addresses.ts";
import { covers, type NamePattern, parsePattern } from "./hosts.ts";
import { type HeadersFor, type HostRules, parseRules, rulesFor } from "./rules.ts";

export type Verdict =
  /** `byName`: allowed because of its name, so what is sent on the connection must be for that name. */
  | { readonly allowed: true; readonly byName: boolean; readonly addresses: readonly string[] }
  | { readonly allowed: false; readonly reason: string };

/** What a sandbox may reach. */
export interface Policy {
  readonly isOff: boolean;
  /** Only what is named can be reached. */
  readonly closes: boolean;
  readonly names: readonly NamePattern[];
  readonly refused: readonly Range[];
  readonly allowed: readonly Range[];
  /** Why a name is refused whatever its addresses are; `undefined` when it is allowed, or they decide. */
  refusesName(name: string): string | undefined;
  /** True when no name of the pattern could ever be reached. */
  refusesPattern(pattern: NamePattern): boolean;
  /** Decides about the addresses of a name, or about an address that was asked for directly. */
  decide(name: string | undefined, addresses: readonly string[]): Verdict;
  /** What sets headers on requests to a host. */
  headersFor(name: string): HeadersFor | undefined;
}

const EVERYTHING = "0.0.0.0/0";

/** @throws `invalid_argument` that names the entry */
export function parsePolicy(network: boolean | NetworkOptions): Policy {
  if (typeof network === "boolean") return createPolicy({ isOff: !network });
  const { allowOut = [], denyOut = [] } = network;
  const allowed: Range[] = [];
  const names: NamePattern[] = [];
  for (const entry of allowOut) {
    const range = parseRange(entry);
    const pattern = range ? undefined : parsePattern(entry);
    if (range) allowed.push(range);
    else if (pattern) names.push(pattern);
    else throw wrong("allowOut", entry, "an address, a CIDR range or a host name");
  }
  const refused = denyOut.map((entry) => {
    const range = parseRange(entry);
    if (!range) throw wrong("denyOut", entry, "an address or a CIDR range");
    return range;
  });
  const deniesAll = coverEverything(refused);
  if (names.length > 0 && !deniesAll) {
    throw new EmberboxError(
      "invalid_argument",
      "Host names in `network.allowOut` mean nothing unless everything else is denied",
      { hint: `Add \`denyOut: ["${EVERYTHING}"]\`.` },
    );
  }
  const rules = parseRules(network.rules, (host) => wrong("rules", host, "a host name"));
  return createPolicy({
    isOff: false,
    names,
    allowed,
    refused,
    deniesAll,
    rules,
  });
}

function wrong(list: string, entry: string, what: string): EmberboxError {
  const given = entry.length > 100 ? `${entry.slice(0, 100)}…` : entry;
  return new EmberboxError(
    "invalid_argument",
    `Expected the entries of \`network.${list}\` to be ${what}, got \`${given}\``,
  );
}

interface Entries {
  readonly isOff: boolean;
  readonly names?: readonly NamePattern[];
  readonly allowed?: readonly Range[];
  readonly refused?: readonly Range[];
  readonly deniesAll?: boolean;
  readonly rules?: readonly HostRules[];
}

const OFF = "the network is off";

const holds = (ranges: readonly Range[], address: Address): boolean =>
  ranges.some((range) => contains(range, address));

function createPolicy(entries: Entries): Policy {
  const { isOff, names = [], allowed = [], refused = [], deniesAll = false } = entries;
  // `0.0.0.0/0` includes every address, but does not name the metadata service.
  const special = allowed.filter(isSpecialRange);
  const allowsAll = coverEverything(allowed.filter(({ base }) => base.kind() === "ipv4"));
  const closes = deniesAll && !allowsAll;
  const isNamed = (name: string): boolean => names.some((pattern) => pattern.matches(name));

  const refusal = (text: string, byName: boolean): string | undefined => {
    const address = parseAddress(text);
    if (!address) return `\`${text}\` is not an address`;
    const kind = specialKind(address);
    if (kind !== undefined && !holds(special, address)) return `${text} is ${kind}`;
    if (byName || allowsAll || holds(allowed, address)) return undefined;
    if (closes) return `${text} is not in allowOut`;
    return holds(refused, address) ? `${text} is in denyOut` : undefined;
  };
  return {
    isOff,
    closes,
    names,
    refused,
    allowed,
    refusesName(name) {
      if (isOff) return OFF;
      // Whatever its addresses are: a lookup alone would tell its name server.
      return closes && !isNamed(name) ? `${name} is not in allowOut` : undefined;
    },
    refusesPattern(pattern) {
      if (isOff) return true;
      return closes && !names.some((name) => covers(name, pattern));
    },
    decide(name, addresses) {
      if (isOff) return { allowed: false, reason: OFF };
      const byName = name !== undefined && isNamed(name);
      const reasons = addresses.map((address) => refusal(address, byName));
      const good = addresses.filter((_address, index) => reasons[index] === undefined);
      if (good.length > 0) return { allowed: true, byName, addresses: good };
      const reason = reasons[0] ?? "it has no address";
      return { allowed: false, reason: name === undefined ? reason : `${name}: ${reason}` };
    },
    headersFor: (name) => rulesFor(entries.rules ?? [], name),
  };
}
