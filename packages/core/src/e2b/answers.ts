import { z } from "zod";
import type { NetworkOptions, SandboxInfo, SnapshotInfo } from "../provider.ts";

const date = z.iso.datetime({ offset: true }).transform((text) => new Date(text));

/** A sandbox, in a list or on its own. */
export const sandboxSchema: z.ZodType<SandboxInfo> = z
  .object({
    sandboxID: z.string(),
    templateID: z.string(),
    metadata: z.record(z.string(), z.string()).nullish(),
    startedAt: date,
    endAt: date,
    cpuCount: z.number(),
    memoryMB: z.number(),
    diskSizeMB: z.number().nullish(),
    state: z.enum(["running", "paused"]).default("running"),
    lifecycle: z
      .object({ onTimeout: z.enum(["kill", "pause"]), autoResume: z.boolean().nullish() })
      .nullish(),
  })
  .transform(({ lifecycle, ...of }) => ({
    sandboxId: of.sandboxID,
    template: of.templateID,
    metadata: of.metadata ?? {},
    startedAt: of.startedAt,
    endAt: of.endAt,
    cpuCount: of.cpuCount,
    memoryMB: of.memoryMB,
    diskMB: of.diskSizeMB ?? 0,
    state: of.state,
    ...(lifecycle && {
      lifecycle: { onTimeout: lifecycle.onTimeout, autoResume: lifecycle.autoResume ?? false },
    }),
  }));

/** Only our own server sends `createdAt`. */
export const snapshotSchema: z.ZodType<SnapshotInfo> = z
  .object({
    snapshotID: z.string(),
    names: z.array(z.string()).default([]),
    sandboxID: z.string().nullish(),
    createdAt: date.nullish(),
  })
  .transform(({ snapshotID, names, sandboxID, createdAt }) => ({
    snapshotId: snapshotID,
    names,
    createdAt: createdAt ?? new Date(),
    ...(sandboxID && { sandboxId: sandboxID }),
  }));

/** The network part of a request for a sandbox. */
export function networkBody(network: boolean | NetworkOptions | undefined): object {
  if (network === undefined || network === true) return {};
  return network === false ? { allow_internet_access: false } : { network };
}

/** The body of a network update, which replaces the whole policy. */
export function updateBody(network: boolean | NetworkOptions): Record<string, unknown> {
  if (typeof network === "boolean") return { allow_internet_access: network };
  const { allowOut, denyOut, rules, egressProxy } = network;
  return {
    ...{ allowOut: allowOut ?? [], denyOut: denyOut ?? [], rules: rules ?? {} },
    ...(egressProxy && { egressProxy }),
  };
}
