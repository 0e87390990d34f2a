import type { SandboxInfo } from "@emberbox/core";
import { envdVersion } from "@emberbox/core/envd";
import type { KnownSandbox } from "../registry.ts";
import type { KnownSnapshot } from "../snapshots.ts";
import type { Caller } from "../tenants.ts";
import type { Tokens } from "../tokens.ts";
import type { Volumes } from "../volumes.ts";

/** E2B's answers have had this part since its ids had two parts. */
const CLIENT_ID = "emberbox";

export interface Described {
  readonly sandboxId: string;
  readonly template: string;
  readonly alias: string;
  readonly domain: string;
  readonly tokens: Tokens;
  readonly isPublic: boolean;
}

/** The answer of `create` and `connect`. */
export function describeAccess(described: Described): Record<string, unknown> {
  const { sandboxId, template, alias, domain, tokens, isPublic } = described;
  return {
    sandboxID: sandboxId,
    templateID: template,
    alias,
    clientID: CLIENT_ID,
    envdVersion,
    envdAccessToken: tokens.envd,
    // Even where visitors need none: E2B's SDKs show it to the interpreter, which is not open to strangers.
    trafficAccessToken: tokens.traffic,
    publicTraffic: isPublic,
    domain,
  };
}

/** A sandbox in a listing. */
export function describeListed(
  { info, alias, tenant }: KnownSandbox,
  caller: Caller,
  volumes: Volumes,
): Record<string, unknown> {
  return {
    sandboxID: info.sandboxId,
    templateID: info.template,
    alias,
    clientID: CLIENT_ID,
    startedAt: info.startedAt.toISOString(),
    endAt: info.endAt.toISOString(),
    cpuCount: info.cpuCount,
    memoryMB: info.memoryMB,
    diskSizeMB: info.diskMB,
    metadata: info.metadata,
    state: info.state,
    envdVersion,
    volumeMounts: volumes.describe(info.volumeMounts),
    ...ownerFor(caller, tenant),
  };
}

export function describeDetail(
  known: KnownSandbox,
  { domain, tokens }: Pick<Described, "domain" | "tokens">,
  caller: Caller,
  volumes: Volumes,
): Record<string, unknown> {
  const { allowInternetAccess, ...network } = known.network;
  return {
    ...describeListed(known, caller, volumes),
    envdAccessToken: tokens.envd,
    domain,
    ...(allowInternetAccess !== undefined && { allowInternetAccess }),
    ...(Object.keys(network).length > 0 && { network }),
    lifecycle: lifecycleOf(known.info),
  };
}

function lifecycleOf({ lifecycle }: SandboxInfo): Record<string, unknown> {
  return {
    onTimeout: lifecycle?.onTimeout ?? "kill",
    autoResume: lifecycle?.autoResume ?? false,
  };
}

export function describeSnapshot(snapshot: KnownSnapshot, caller: Caller): Record<string, unknown> {
  return {
    snapshotID: snapshot.snapshotId,
    names: snapshot.names,
    ...(snapshot.sandboxId !== undefined && { sandboxID: snapshot.sandboxId }),
    createdAt: snapshot.createdAt.toISOString(),
    ...ownerFor(caller, snapshot.tenant),
  };
}

/** The tenant that it belongs to, which only the operator has to be told. */
function ownerFor({ isOperator }: Caller, tenant: string): { tenant?: string } {
  return isOperator ? { tenant } : {};
}
