import { isIP } from "node:net";
import { EmberboxError } from "@emberbox/core";
import type { NetworkCeiling } from "@emberbox/core/network";
import { parseAddress } from "./addresses.ts";
import { parseName } from "./hosts.ts";
import { parsePolicy } from "./policy.ts";
import type { NameResolver } from "./resolve.ts";

/**
 * The addresses of a host that may be reached under a ceiling.
 * @throws `invalid_argument` that says why there are none; what the lookup throws
 */
export async function reachable(
  host: string,
  ceiling: NetworkCeiling,
  names: () => NameResolver,
): Promise<readonly string[]> {
  const policy = parsePolicy(ceiling);
  const name = parseName(host);
  if (name === undefined && !(isIP(host) && parseAddress(host)))
    throw refused(`\`${host}\` is not a host`);
  const reason = name && policy.refusesName(name);
  if (reason) throw refused(reason);
  const addresses = name === undefined ? [host] : await names().resolve(name);
  const verdict = policy.decide(name, addresses);
  if (!verdict.allowed) throw refused(verdict.reason);
  return verdict.addresses;
}

function refused(reason: string): EmberboxError {
  return new EmberboxError("invalid_argument", `It may not be reached: ${reason}`);
}
