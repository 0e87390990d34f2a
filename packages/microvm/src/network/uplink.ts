import { isIP } from "node:net";
import * as tls from "node:tls";
import { createResolver, type NameResolver } from "./resolve.ts";

/** How gateways reach the outside; all of one engine share it. */
export interface Uplink {
  readonly resolver: NameResolver;
  /** What servers' certificates are checked against, unless it is the default. */
  readonly trusted: tls.SecureContext | undefined;
  /** What sandboxes trust besides what their system does, as PEM. */
  readonly authorities: readonly string[];
}

export interface UplinkOptions {
  readonly dnsServers?: readonly string[] | undefined;
  readonly ca?: readonly string[] | undefined;
}

export function createUplink({ dnsServers, ca = [] }: UplinkOptions): Uplink {
  let resolver: NameResolver | undefined;
  return {
    get resolver() {
      return (resolver ??= createResolver(dnsServers));
    },
    trusted:
      ca.length > 0
        ? tls.createSecureContext({ ca: [...tls.getCACertificates("default"), ...ca] })
        : undefined,
    authorities: ca,
  };
}

/** `192.0.2.1`, `192.0.2.1:53`, `[2001:db8::1]:53` */
export function isServer(text: string): boolean {
  const [, inBrackets, alone, port] =
    /^(?:\[([^\]]+)\]|([^:]+|[^\]]+:[^\]]*?))(?::(\d+))?$/.exec(text) ?? [];
  return isIP(text) !== 0 || (isIP(inBrackets ?? alone ?? "") !== 0 && Number(port ?? 53) < 65_536);
}
