import type { Capabilities } from "@emberbox/core/provider";
import type { z } from "zod";
import { notImplemented } from "../api-error.ts";
import type { KnownNetwork } from "../known-network.ts";
import type { create, network, networkUpdate } from "./schemas.ts";

/** The network part of a request for a sandbox. @throws 501 for what cannot be honoured */
export function readNetwork(
  body: z.output<typeof create>,
  capabilities: Readonly<Capabilities>,
): KnownNetwork {
  const { network } = body;
  const known: KnownNetwork = {
    ...(network && readEgress(network)),
    ...(typeof network?.allowPublicTraffic === "boolean" && {
      allowPublicTraffic: network.allowPublicTraffic,
    }),
    ...(network?.maskRequestHost && { maskRequestHost: network.maskRequestHost }),
    ...(network?.httpsPorts?.length && { httpsPorts: network.httpsPorts }),
    ...(typeof body.allow_internet_access === "boolean" && {
      allowInternetAccess: body.allow_internet_access,
    }),
  };
  if (known.httpsPorts && !capabilities.tlsEndpoints) throw notImplemented("httpsPorts");
  const restricts =
    known.allowInternetAccess === false || known.allowOut || known.denyOut || known.rules;
  if (restricts && !capabilities.network) throw notImplemented("restricting the network");
  if (known.egressProxy && !capabilities.egressProxy) throw notImplemented("egressProxy");
  return known;
}

export function readUpdate(body: z.output<typeof networkUpdate>): KnownNetwork {
  return {
    ...readEgress(body),
    ...(typeof body.allow_internet_access === "boolean" && {
      allowInternetAccess: body.allow_internet_access,
    }),
  };
}

type Egress = Pick<z.output<typeof network>, "allowOut" | "denyOut" | "rules" | "egressProxy">;

function readEgress({ allowOut, denyOut, rules, egressProxy }: Egress): KnownNetwork {
  const transforms = Object.entries(rules ?? {}).map(
    ([host, list]) =>
      [host, list.flatMap(({ transform }) => (transform ? [{ transform }] : []))] as const,
  );
  return {
    ...(allowOut && allowOut.length > 0 && { allowOut }),
    ...(denyOut && denyOut.length > 0 && { denyOut }),
    ...(transforms.length > 0 && { rules: Object.fromEntries(transforms) }),
    ...(egressProxy && {
      egressProxy: {
        address: egressProxy.address,
        ...(egressProxy.username && { username: egressProxy.username }),
        ...(egressProxy.password && { password: egressProxy.password }),
      },
    }),
  };
}
