import { isIP } from "node:net";
import { EmberboxError } from "@emberbox/core";
import type { NetworkCeiling } from "@emberbox/core/network";
import { parseAddress } from "./addresses.ts";
import { parseName } from "./hosts.ts";
import { parsePolicy, type Policy, type Verdict } from "./policy.ts";
import type { NameResolver } from "./resolve.ts";

/** What a policy says of a host, whose name is looked up unless it is refused as such. @throws what the lookup throws */
export async function judgeHost(
  host: string,
  policy: Policy,
  lookUp: (name: string) => Promise<readonly string[]>,
): Promise<Verdict> {
  const name = parseName(host);
  if (name === undefined && !(isIP(host) && parseAddress(host)))
    return { allowed: false, reason: `\`${host}\` is not a host` };
  const reason = name && policy.refusesName(name);
  if (reason) return { allowed: false, reason };
  return policy.decide(name, name === undefined ? [host] : await lookUp(name));
}

/**
 * The addresses of a host that may be reached under a ceiling.
 * @throws `invalid_argument` that says why there are none; what the lookup throws
 */
export async function reachable(
  host: string,
  ceiling: NetworkCeiling,
  names: () => NameResolver,
): Promise<readonly string[]> {
  const lookUp = async (name: string) => names().resolve(name);
  const verdict = await judgeHost(host, parsePolicy(ceiling), lookUp);
  if (verdict.allowed) return verdict.addresses;
  throw new EmberboxError("invalid_argument", `It may not be reached: ${verdict.reason}`);
}
