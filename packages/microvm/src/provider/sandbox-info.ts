import type { SandboxInfo } from "@emberbox/core";
import type { Access, SavedAccess } from "../network/access.ts";
import type { ResolvedCreateOptions, Shape } from "../restore/create-options.ts";
import type { Manifest } from "../saved/manifest.ts";
import { expiryOf } from "../saved/paused.ts";
import { ownBytes } from "../saved/snapshots.ts";
import type { SandboxDetails } from "../saved/state-engine.ts";

export const pausedInfo = (manifest: Manifest): SandboxInfo => ({
  expiresAt: expiryOf(manifest),
  ...describeSandbox(
    manifest.sandboxId,
    manifest.options,
    new Date(manifest.startedAt),
    new Date(manifest.createdAt),
    "paused",
    manifest.options.access,
  ),
  sizeBytes: ownBytes(manifest),
});

export function describeSandbox(
  sandboxId: string,
  options: Omit<ResolvedCreateOptions, "signal" | "access" | "folderImage">,
  startedAt: Date,
  endAt: Date,
  state: SandboxInfo["state"],
  { network }: Pick<SavedAccess, "network">,
): SandboxInfo {
  const { template, metadata, cpuCount, memoryMB, diskMB, lifecycle, volumeMounts, workspaces } =
    options;
  return {
    sandboxId,
    template,
    metadata,
    cpuCount,
    memoryMB,
    diskMB,
    startedAt,
    endAt,
    state,
    ...(lifecycle && { lifecycle }),
    ...(volumeMounts && { volumeMounts }),
    ...(workspaces && { workspaces }),
    network: withoutCredentials(network),
  };
}

/** Rules may set credentials, and a proxy may ask for some. */
function withoutCredentials(network: Access["network"]): SandboxInfo["network"] {
  if (typeof network === "boolean") return network;
  const { rules: _, egressProxy, ...rest } = network;
  const { address, username } = egressProxy ?? {};
  return { ...rest, ...(address !== undefined && { egressProxy: { address, username } }) };
}

/** What is saved of a sandbox besides its machine. Secrets are not. */
export function detailsOf(
  { options, startedAt }: { readonly options: ResolvedCreateOptions; readonly startedAt: Date },
  access: Access,
): SandboxDetails {
  const { template, envs, metadata, timeoutMs, lifecycle, volumeMounts, workspaces } = options;
  const described = { template, envs, metadata, timeoutMs, lifecycle, volumeMounts, workspaces };
  const kept = { ...shapeOf(options), ...described, access };
  return { startedAt: startedAt.toISOString(), options: kept };
}

export function shapeOf({ memoryMB, cpuCount, diskMB }: Shape): Shape {
  return { memoryMB, cpuCount, diskMB };
}
