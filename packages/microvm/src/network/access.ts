import type { CreateOptions } from "@emberbox/core";
import { type Authority, createAuthority } from "./authority.ts";
import { parsePolicy, type Policy } from "./policy.ts";
import { createSecrets, type Secrets } from "./secrets.ts";

export type AccessOptions = Pick<CreateOptions, "network" | "secrets" | "onNetwork">;
type Network = NonNullable<AccessOptions["network"]>;

/** What a sandbox may reach, with which secrets, and who hears of it. Its copies have the same. */
export class Access {
  readonly network: Network;
  readonly policy: Policy;
  readonly secrets: Secrets;
  readonly onNetwork: AccessOptions["onNetwork"];
  readonly #authority: { made?: Promise<Authority> };

  /** @throws `invalid_argument` for what cannot be honoured */
  constructor({ network = true, secrets = {}, onNetwork }: AccessOptions, before?: Access) {
    this.network = network;
    this.policy = parsePolicy(network);
    this.secrets = before?.secrets ?? createSecrets(secrets, this.policy);
    this.onNetwork = onNetwork;
    this.#authority = before ? before.#authority : {};
  }

  /** With another network, the same secrets and the same authority. @throws `invalid_argument` */
  with(network: Network): Access {
    return new Access({ network, onNetwork: this.onNetwork }, this);
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
  toJSON(): Pick<AccessOptions, "network"> {
    return { network: this.network };
  }
}
