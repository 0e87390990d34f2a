import type { Capabilities } from "@emberbox/core/provider";
import type { z } from "zod";
import { notImplemented } from "../api-error.ts";
import type { KnownNetwork } from "../known-network.ts";
import { type create, egressProxy as proxy, network, networkUpdate, transform } from "./schemas.ts";

/** The network part of a request for a sandbox. @throws 501 for what cannot be honoured */
export function readNetwork(
  body: z.output<typeof create>,
  capabilities: Readonly<Capabilities>,
): KnownNetwork {
  const asked = body.network;
  if (asked) refuseUnknown(asked, network.shape);
  const known: KnownNetwork = {
    ...(asked && readEgress(asked)),
    ...(typeof asked?.allowPublicTraffic === "boolean" && {
      allowPublicTraffic: asked.allowPublicTraffic,
    }),
    ...(asked?.maskRequestHost && { maskRequestHost: asked.maskRequestHost }),
    ...(asked?.httpsPorts?.length && { httpsPorts: asked.httpsPorts }),
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
  refuseUnknown(body, networkUpdate.shape);
  return {
    ...readEgress(body),
    ...(typeof body.allow_internet_access === "boolean" && {
      allowInternetAccess: body.allow_internet_access,
    }),
  };
}

function refuseUnknown(
  asked: Readonly<Record<string, unknown>>,
  known: object,
  of = "network",
): void {
  const unknown = Object.keys(asked).find(
    (key) => !Object.hasOwn(known, key) && asked[key] !== null,
  );
  if (unknown !== undefined) throw notImplemented(`${of}.${unknown}`);
}

type Egress = Pick<z.output<typeof network>, "allowOut" | "denyOut" | "rules" | "egressProxy">;
type Rule = NonNullable<Egress["rules"]>[string][number];

function readEgress({ allowOut, denyOut, rules, egressProxy }: Egress): KnownNetwork {
  const transforms = Object.entries(rules ?? {}).map(
    ([host, list]) => [host, list.flatMap(readRule)] as const,
  );
  if (egressProxy) refuseUnknown(egressProxy, proxy.shape, "network.egressProxy");
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

function readRule(rule: Rule): { transform: { headers: Record<string, string> } }[] {
  refuseUnknown(rule, { transform }, "network.rules");
  if (rule.transform === undefined) return [];
  refuseUnknown(rule.transform, transform.shape, "network.rules.transform");
  const { headers = {} } = rule.transform;
  // The destination would get the placeholder itself.
  if (Object.values(headers).some((value) => value.includes("${e2b.identity.")))
    throw notImplemented("identity tokens in network.rules");
  return [{ transform: { headers } }];
}
