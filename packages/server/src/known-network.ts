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
