import type { NetworkOptions } from "@emberbox/core";

/** What the network part of a request says, as far as the server itself keeps it. */
export interface KnownNetwork extends NetworkOptions {
  readonly allowInternetAccess?: boolean | undefined;
}

/** What the provider is told: who may come in is the server's business. */
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

/** What is written down of it: headers that rules set may be credentials, of which only the names are kept. */
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
