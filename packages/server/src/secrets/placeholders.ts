import type { NetworkOptions } from "@emberbox/core/network";
import { ApiError } from "../api-error.ts";

export type Rules = NonNullable<NetworkOptions["rules"]>;

const PLACEHOLDER = /\$\{e2b\.secrets\.([^{}]*)\}/g;
/** What a header of a rule may have once it is filled in: no provider takes more. */
const MOST_CHARACTERS = 2048;

/** The names of the secrets that rules want, which are written in small letters. */
export function secretsIn(rules: Rules | undefined): Set<string> {
  const names = new Set<string>();
  eachValue(rules ?? {}, (value) => {
    for (const [, name = ""] of value.matchAll(PLACEHOLDER)) names.add(name.toLowerCase());
    return value;
  });
  return names;
}

/** Rules with the values in place of `${e2b.secrets.NAME}`. @throws 400 for a header that becomes too long */
export function filled(rules: Rules, valueOf: (name: string) => string): Rules {
  return eachValue(rules, (value, header) => {
    const whole = value.replaceAll(PLACEHOLDER, (_all, name: string) =>
      valueOf(name.toLowerCase()),
    );
    if (whole.length <= MOST_CHARACTERS) return whole;
    throw new ApiError(
      400,
      `Invalid request: network.rules: the header ${header} is longer than ${MOST_CHARACTERS} characters with its secrets`,
    );
  });
}

function eachValue(rules: Rules, change: (value: string, header: string) => string): Rules {
  const changed = Object.entries(rules).map(([host, list]) => [
    host,
    list.map((rule) => {
      const headers = Object.entries(rule.transform.headers).map(([name, value]) => [
        name,
        change(value, name),
      ]);
      return { ...rule, transform: { headers: Object.fromEntries(headers) } };
    }),
  ]);
  return Object.fromEntries(changed) as Rules;
}
