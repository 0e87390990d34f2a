import type { NetworkOptions } from "@emberbox/core/network";

/** The network part of a request, as far as the server itself remembers it. */
export interface KnownNetwork extends NetworkOptions {
  readonly allowInternetAccess?: boolean | undefined;
  /** Ports whose servers inside speak TLS. */
  readonly httpsPorts?: readonly number[] | undefined;
}

/** What the provider is told: the server itself decides who may come in. */
export function egressOf(network: KnownNetwork): boolean | NetworkOptions | undefined {
  if (network.allowInternetAccess === false) return false;
  const { allowOut, denyOut, rules } = network;
  if (allowOut === undefined && denyOut === undefined && rules === undefined) return undefined;
  return {
    ...(allowOut && { allowOut }),
    ...(denyOut && { denyOut }),
    ...(rules && { rules }),
  };
}

/** What is saved of it: headers that rules set may be credentials, so only their names are kept. */
export function withoutValues(network: KnownNetwork): KnownNetwork {
  if (network.rules === undefined) return network;
  const rules = Object.entries(network.rules).map(([host, list]) => [
    host,
    list.map(({ transform: { headers } }) => ({
      transform: { headers: Object.fromEntries(Object.keys(headers).map((name) => [name, "***"])) },
    })),
  ]);
  return { ...network, rules: Object.fromEntries(rules) };
}
