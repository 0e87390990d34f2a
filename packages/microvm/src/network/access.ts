import { EmberboxError } from "@emberbox/core";
import type { NetworkCeiling, NetworkOptions } from "@emberbox/core/network";
import { parseOptions, sharedOptions } from "@emberbox/core/options";
import type { CreateOptions } from "@emberbox/core/provider";
import { z } from "zod";
import { type Authority, createAuthority } from "./authority.ts";
import { parseCeiling, refuseBeyond, within } from "./ceiling.ts";
import { parseProxy, type Proxy, refuseProxyBeyond } from "./egress-proxy.ts";
import { parsePattern } from "./hosts.ts";
import { parsePolicy, type Policy } from "./policy.ts";
import { createSecrets, type Secrets } from "./secrets.ts";

export type AccessOptions = Pick<
  CreateOptions,
  "network" | "networkCeiling" | "secrets" | "onNetwork"
>;
type Network = NonNullable<AccessOptions["network"]>;

const given = z.strictObject({
  network: sharedOptions.network,
  networkCeiling: sharedOptions.networkCeiling,
});

/** Who may reach a sandbox's own servers, and which `Host` they see. Fixed when the sandbox is created. */
export type Ingress = Pick<NetworkOptions, "allowPublicTraffic" | "maskRequestHost">;

/** What is saved of it on disk. */
export interface SavedAccess {
  readonly network: Network;
  readonly ceiling?: NetworkCeiling | undefined;
  readonly ingress: Ingress;
  /** Hosts whose rules set headers: these may be credentials and are not saved. */
  readonly lostRules?: readonly string[] | undefined;
  /** Its proxy wanted credentials, which are not saved. */
  readonly lostProxy?: boolean | undefined;
}

const savedFields = {
  network: sharedOptions.network.transform((network) => network ?? true),
  ceiling: sharedOptions.networkCeiling,
  ingress: z.strictObject({
    allowPublicTraffic: z.boolean().optional(),
    maskRequestHost: z.string().max(253).optional(),
  }),
  lostRules: z.array(z.string().max(253)).max(10_000).optional(),
  lostProxy: z.boolean().optional(),
} satisfies { [Field in keyof Required<SavedAccess>]: z.ZodType };

/** The schema of what is saved, since anybody may have changed the file that it is read from. */
export const savedAccess: z.ZodType<SavedAccess> = z.strictObject(savedFields);

/** What a sandbox may reach, with which secrets, and who is told of it. Copies of the sandbox have the same. */
export class Access {
  readonly network: Network;
  /** What it may never exceed, whatever is asked for. */
  readonly ceiling: NetworkCeiling | undefined;
  readonly ingress: Ingress;
  /** Hosts that are refused because what their rules did to requests is no longer known. */
  readonly lostRules: readonly string[];
  /** What connections go out through; none does while its credentials are no longer known. */
  readonly proxy: Proxy | undefined;
  readonly lostProxy: boolean;
  readonly policy: Policy;
  readonly secrets: Secrets;
  readonly onNetwork: AccessOptions["onNetwork"];
  readonly #authority: { made?: Authority };

  /** @throws `invalid_argument` for what cannot be honoured */
  constructor(
    options: AccessOptions & Partial<Pick<SavedAccess, "ingress" | "lostRules" | "lostProxy">>,
    before?: Access,
  ) {
    const { network = true, networkCeiling, secrets = {}, onNetwork, lostRules = [] } = options;
    const { egressProxy } = typeof network === "object" ? network : {};
    this.proxy = egressProxy && parseProxy(egressProxy);
    this.lostProxy = options.lostProxy ?? false;
    this.network = network;
    this.ceiling = networkCeiling;
    this.ingress = options.ingress ?? ingressOf(network);
    this.lostRules = lostRules;
    const policy = refuseHosts(
      this.lostProxy ? refuseAll(parsePolicy(network)) : parsePolicy(network),
      lostRules,
    );
    this.policy = within(policy, parseCeiling(networkCeiling));
    this.secrets = before?.secrets ?? createSecrets(secrets, this.policy);
    this.onNetwork = onNetwork;
    this.#authority = before ? before.#authority : {};
  }

  /** The access that a caller bound by a ceiling asks for. @throws `invalid_argument` for what goes beyond it */
  static ask(options: AccessOptions): Access {
    const ceiling = parseCeiling(options.networkCeiling);
    refuseBeyond(options.network ?? true, ceiling);
    const access = new Access(options);
    if (access.proxy) refuseProxyBeyond(access.proxy, ceiling);
    return access;
  }

  /** As it was saved, within another ceiling where one is given. */
  static kept(
    { network, ceiling, ingress, lostRules, lostProxy }: SavedAccess,
    networkCeiling: NetworkCeiling | undefined = ceiling,
  ): Access {
    parseOptions(given, { networkCeiling });
    return new Access({ network, networkCeiling, ingress, lostRules, lostProxy });
  }

  /** With another network, the same ceiling, secrets, authority and ingress. @throws `invalid_argument` */
  with(network: Network): Access {
    parseOptions(given, { network });
    const { ingress, ceiling, onNetwork } = this;
    const asked = ingressOf(network);
    for (const key of ["allowPublicTraffic", "maskRequestHost"] as const) {
      if (asked[key] === undefined || asked[key] === ingress[key]) continue;
      throw new EmberboxError(
        "invalid_argument",
        `\`network.${key}\` cannot be changed while a sandbox lives`,
        { hint: "Leave it out: it stays as the sandbox was created." },
      );
    }
    refuseBeyond(network, parseCeiling(ceiling));
    const access = new Access({ network, networkCeiling: ceiling, ingress, onNetwork }, this);
    if (access.proxy) refuseProxyBeyond(access.proxy, parseCeiling(ceiling));
    return access;
  }

  /** The same within another ceiling. @throws `invalid_argument` */
  below(networkCeiling: NetworkCeiling): Access {
    parseOptions(given, { networkCeiling });
    const { network, ingress, lostRules, lostProxy, onNetwork } = this;
    return new Access({ network, networkCeiling, ingress, lostRules, lostProxy, onNetwork }, this);
  }

  /** Whether it is the default: the public internet, without secrets. */
  get isUsual(): boolean {
    return this.network === true && (this.ceiling ?? true) === true && this.secrets.isEmpty;
  }

  /** Terminates TLS where requests are read or answered; the same for as long as the sandbox lives. */
  authority(): Authority {
    return (this.#authority.made ??= createAuthority());
  }

  /** Neither secrets nor what rules set is ever saved, and no proxy's credentials. */
  toJSON(): SavedAccess {
    const { network, ceiling, ingress, lostRules } = this;
    const lostProxy = this.lostProxy || this.proxy?.credentials !== undefined;
    const lost = { lostRules, ...(lostProxy && { lostProxy }) };
    if (typeof network === "boolean") return { network, ceiling, ingress, ...lost };
    const { rules = {}, egressProxy, ...rest } = network;
    const kept = lostProxy ? rest : { ...rest, ...(egressProxy && { egressProxy }) };
    return {
      ...{ network: kept, ceiling, ingress, ...lost },
      lostRules: [...lostRules, ...Object.keys(rules)],
    };
  }
}

/** Without a rule's changes, a request could say more than it should, or less. */
function refuseHosts(policy: Policy, hosts: readonly string[]): Policy {
  if (hosts.length === 0) return policy;
  const patterns = hosts.map(parsePattern);
  const isLost = (name: string): boolean => patterns.some((each) => each?.matches(name));
  return {
    ...policy,
    refusesName: (name) =>
      isLost(name)
        ? `the headers that a rule sets for ${name} are not kept on disk, and were not given again`
        : policy.refusesName(name),
  };
}

/** Without its proxy, a connection would go out from this machine. */
function refuseAll(policy: Policy): Policy {
  const reason =
    "the credentials of the sandbox's proxy are not kept on disk, and were not given again";
  return {
    ...policy,
    refusesName: () => reason,
    decide: () => ({ allowed: false, reason }),
  };
}

function ingressOf(network: Network): Ingress {
  if (typeof network === "boolean") return {};
  const { allowPublicTraffic, maskRequestHost } = network;
  return { allowPublicTraffic, maskRequestHost };
}
