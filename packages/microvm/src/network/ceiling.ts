import { EmberboxError } from "@emberbox/core";
import type { NetworkCeiling, NetworkOptions } from "@emberbox/core/network";
import {
  includes,
  isSpecialRange,
  overlap,
  parseRange,
  type Range,
  specialKind,
} from "./addresses.ts";
import { parsePattern } from "./hosts.ts";
import { parsePolicy, type Policy } from "./policy.ts";

/** The policy that no request may exceed; `undefined` when the caller alone decides. */
export type Ceiling = Policy | undefined;

export function parseCeiling(ceiling: NetworkCeiling | undefined): Ceiling {
  return ceiling === undefined ? undefined : parsePolicy(ceiling);
}

/** The part of a policy that is within a ceiling: its names, its addresses, and whether it is off. */
export function within(policy: Policy, ceiling: Ceiling): Policy {
  if (ceiling === undefined) return policy;
  return {
    isOff: policy.isOff || ceiling.isOff,
    closes: policy.closes || ceiling.closes,
    names: policy.names,
    refused: [...policy.refused, ...ceiling.refused],
    allowed: [...policy.allowed, ...ceiling.allowed],
    refusesName: (name) => policy.refusesName(name) ?? beyond(ceiling.refusesName(name)),
    refusesPattern: (pattern) => policy.refusesPattern(pattern) || ceiling.refusesPattern(pattern),
    decide(name, addresses) {
      const asked = policy.decide(name, addresses);
      if (!asked.allowed) return asked;
      const verdict = ceiling.decide(name, asked.addresses);
      if (!verdict.allowed) return { allowed: false, reason: beyond(verdict.reason) };
      return { ...verdict, byName: asked.byName || verdict.byName };
    },
    headersFor: (name) => policy.headersFor(name),
  };
}

const BEYOND = "beyond the network's ceiling";
function beyond(reason: string): string;
function beyond(reason: string | undefined): string | undefined;
function beyond(reason: string | undefined): string | undefined {
  return reason && `${reason} (${BEYOND})`;
}

/** @throws `invalid_argument` that names the entry which asks for more than the ceiling allows */
export function refuseBeyond(network: boolean | NetworkOptions, ceiling: Ceiling): void {
  if (ceiling === undefined || typeof network === "boolean") return;
  for (const entry of network.allowOut ?? []) {
    const range = parseRange(entry);
    const isRaised = range ? raisesRange(range, ceiling) : raisesName(entry, ceiling);
    if (!isRaised) continue;
    throw new EmberboxError(
      "invalid_argument",
      `\`${entry}\` in \`network.allowOut\` is ${BEYOND}: ${describe(ceiling)}`,
      { hint: "Whoever runs the server, or gave `networkCeiling`, decides what may be asked for." },
    );
  }
}

/** A range that means everything only asks for as much as the ceiling has. */
function raisesRange(range: Range, ceiling: Policy): boolean {
  if (range.bits === 0) return false;
  if (ceiling.isOff) return true;
  const holders = ceiling.allowed.filter((each) => includes(each, range));
  if (specialKind(range.base) !== undefined && isSpecialRange(range))
    return !holders.some(isSpecialRange);
  if (holders.length > 0) return false;
  return ceiling.closes || ceiling.refused.some((each) => overlap(each, range));
}

function raisesName(entry: string, ceiling: Policy): boolean {
  const pattern = entry === "*" ? undefined : parsePattern(entry);
  return pattern !== undefined && ceiling.refusesPattern(pattern);
}

function describe({ isOff, closes, names, allowed }: Policy): string {
  if (isOff) return "there is no network";
  const entries = [
    ...names.map(({ text }) => text),
    ...allowed.map(({ base, bits }) => `${base.toString()}/${bits}`),
  ];
  if (entries.length === 0) return closes ? "nothing" : "public addresses only";
  const list = entries.slice(0, 10).join(", ") + (entries.length > 10 ? ", …" : "");
  return closes ? `only ${list}` : `public addresses and ${list}`;
}
