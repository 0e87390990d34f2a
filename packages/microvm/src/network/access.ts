import {
  type CreateOptions,
  EmberboxError,
  type NetworkCeiling,
  type NetworkOptions,
  parseOptions,
  sharedOptions,
} from "@emberbox/core";
import { z } from "zod";
import { type Authority, createAuthority } from "./authority.ts";
import { parseCeiling, refuseBeyond, within } from "./ceiling.ts";
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

/** Who may reach a sandbox's own servers, and which `Host` they see. It stays as the sandbox was created. */
export type Ingress = Pick<NetworkOptions, "allowPublicTraffic" | "maskRequestHost">;

/** What is kept of it on disk. */
export interface SavedAccess {
  readonly network: Network;
  readonly ceiling?: NetworkCeiling | undefined;
  readonly ingress: Ingress;
}

/** What a sandbox may reach, with which secrets, and who hears of it. Its copies have the same. */
export class Access {
  readonly network: Network;
  /** What it may never go beyond, whatever is asked for. */
  readonly ceiling: NetworkCeiling | undefined;
  readonly ingress: Ingress;
  readonly policy: Policy;
  readonly secrets: Secrets;
  readonly onNetwork: AccessOptions["onNetwork"];
  readonly #authority: { made?: Promise<Authority> };

  /** @throws `invalid_argument` for what cannot be honoured */
  constructor(options: AccessOptions & { readonly ingress?: Ingress }, before?: Access) {
    const { network = true, networkCeiling, secrets = {}, onNetwork } = options;
    this.network = network;
    this.ceiling = networkCeiling;
    this.ingress = options.ingress ?? ingressOf(network);
    this.policy = within(parsePolicy(network), parseCeiling(networkCeiling));
    this.secrets = before?.secrets ?? createSecrets(secrets, this.policy);
    this.onNetwork = onNetwork;
    this.#authority = before ? before.#authority : {};
  }

  /** What is asked for by those whom a ceiling binds. @throws `invalid_argument` for what goes beyond it */
  static ask(options: AccessOptions): Access {
    refuseBeyond(options.network ?? true, parseCeiling(options.networkCeiling));
    return new Access(options);
  }

  /** As it was written down, within another ceiling where there is one. */
  static kept(
    { network, ceiling, ingress }: SavedAccess,
    networkCeiling: NetworkCeiling | undefined = ceiling,
  ): Access {
    parseOptions(given, { networkCeiling });
    return new Access({ network, networkCeiling, ingress });
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
    return new Access({ network, networkCeiling: ceiling, ingress, onNetwork }, this);
  }

  /** The same within another ceiling. @throws `invalid_argument` */
  below(networkCeiling: NetworkCeiling): Access {
    parseOptions(given, { networkCeiling });
    const { network, ingress, onNetwork } = this;
    return new Access({ network, networkCeiling, ingress, onNetwork }, this);
  }

  /** It is the usual one: the public internet, without secrets. */
  get isUsual(): boolean {
    return this.network === true && (this.ceiling ?? true) === true && this.secrets.isEmpty;
  }

  /** Ends TLS where requests are read or answered; the same for as long as the sandbox lives. */
  authority(): Promise<Authority> {
    return (this.#authority.made ??= createAuthority());
  }

  /** Secrets are never written down. */
  toJSON(): SavedAccess {
    return { network: this.network, ceiling: this.ceiling, ingress: this.ingress };
  }
}

function ingressOf(network: Network): Ingress {
  if (typeof network === "boolean") return {};
  const { allowPublicTraffic, maskRequestHost } = network;
  return { allowPublicTraffic, maskRequestHost };
}
