import { type CreateOptions, EmberboxError, type NetworkOptions } from "@emberbox/core";
import { type Authority, createAuthority } from "./authority.ts";
import { parsePolicy, type Policy } from "./policy.ts";
import { createSecrets, type Secrets } from "./secrets.ts";

export type AccessOptions = Pick<CreateOptions, "network" | "secrets" | "onNetwork">;
type Network = NonNullable<AccessOptions["network"]>;

/** Who may reach a sandbox's own servers, and which `Host` they see. It stays as the sandbox was created. */
export type Ingress = Pick<NetworkOptions, "allowPublicTraffic" | "maskRequestHost">;

/** What is kept of it on disk. */
export interface SavedAccess {
  readonly network: Network;
  readonly ingress: Ingress;
}

/** What a sandbox may reach, with which secrets, and who hears of it. Its copies have the same. */
export class Access {
  readonly network: Network;
  readonly ingress: Ingress;
  readonly policy: Policy;
  readonly secrets: Secrets;
  readonly onNetwork: AccessOptions["onNetwork"];
  readonly #authority: { made?: Promise<Authority> };

  /** @throws `invalid_argument` for what cannot be honoured */
  constructor(options: AccessOptions & { readonly ingress?: Ingress }, before?: Access) {
    const { network = true, secrets = {}, onNetwork } = options;
    this.network = network;
    this.ingress = options.ingress ?? ingressOf(network);
    this.policy = parsePolicy(network);
    this.secrets = before?.secrets ?? createSecrets(secrets, this.policy);
    this.onNetwork = onNetwork;
    this.#authority = before ? before.#authority : {};
  }

  /** With another network, the same secrets, authority and ingress. @throws `invalid_argument` */
  with(network: Network): Access {
    const { ingress, onNetwork } = this;
    const asked = ingressOf(network);
    for (const key of ["allowPublicTraffic", "maskRequestHost"] as const) {
      if (asked[key] === undefined || asked[key] === ingress[key]) continue;
      throw new EmberboxError(
        "invalid_argument",
        `\`network.${key}\` cannot be changed while a sandbox lives`,
        { hint: "Leave it out: it stays as the sandbox was created." },
      );
    }
    return new Access({ network, ingress, onNetwork }, this);
  }

  /** It is the usual one: the public internet, without secrets. */
  get isUsual(): boolean {
    return this.network === true && this.secrets.isEmpty;
  }

  /** Ends TLS where requests are read or answered; the same for as long as the sandbox lives. */
  authority(): Promise<Authority> {
    return (this.#authority.made ??= createAuthority());
  }

  /** Secrets are never written down. */
  toJSON(): SavedAccess {
    return { network: this.network, ingress: this.ingress };
  }
}

function ingressOf(network: Network): Ingress {
  if (typeof network === "boolean") return {};
  const { allowPublicTraffic, maskRequestHost } = network;
  return { allowPublicTraffic, maskRequestHost };
}
