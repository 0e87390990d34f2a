import type { EgressProxy, NetworkOptions } from "@emberbox/core/network";

/** The network part of a request, as far as the server itself remembers it. */
export interface KnownNetwork extends NetworkOptions {
  readonly allowInternetAccess?: boolean | undefined;
  /** Ports whose servers inside speak TLS. */
  readonly httpsPorts?: readonly number[] | undefined;
}

/** What the provider is told: the server itself decides who may come in. */
export function egressOf(network: KnownNetwork): boolean | NetworkOptions | undefined {
  if (network.allowInternetAccess === false) return false;
  const { allowOut, denyOut, rules, egressProxy } = network;
  if ([allowOut, denyOut, rules, egressProxy].every((each) => each === undefined)) return undefined;
  return {
    ...(egressProxy && { egressProxy }),
    ...(allowOut && { allowOut }),
    ...(denyOut && { denyOut }),
    ...(rules && { rules }),
  };
}

/** What is saved and shown of it: no password, and of the headers that rules set only the names. */
export function withoutValues({ egressProxy, ...network }: KnownNetwork): KnownNetwork {
  const { password: _password, ...proxy } = egressProxy ?? {};
  return { ...withoutHeaders(network), ...(egressProxy && { egressProxy: proxy as EgressProxy }) };
}

function withoutHeaders(network: KnownNetwork): KnownNetwork {
  if (network.rules === undefined) return network;
  const rules = Object.entries(network.rules).map(([host, list]) => [
    host,
    list.map(({ transform: { headers } }) => ({
      transform: { headers: Object.fromEntries(Object.keys(headers).map((name) => [name, "***"])) },
    })),
  ]);
  return { ...network, rules: Object.fromEntries(rules) };
}
