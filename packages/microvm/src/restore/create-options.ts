import { availableParallelism } from "node:os";
import { EmberboxError } from "@emberbox/core";
import { parseOptions, sharedOptions } from "@emberbox/core/options";
import type { CreateOptions } from "@emberbox/core/provider";
import type { WorkspaceInfo } from "@emberbox/core/workspace";
import { z } from "zod";
import { IMAGE_DISK_MB } from "../image/recipe.ts";
import { Access, savedAccess, type SavedAccess } from "../network/access.ts";
import { keptWorkspaces } from "../workspaces/kept.ts";
import type { FolderImage } from "../workspaces/store.ts";

const MAX_LIFETIME_MS = 2 ** 31 - 1;
/** Limit for all labels together, and for all variables: the guest is told them, and they are saved with a sandbox. */
const MAX_TEXT = 1024 * 1024;
const fits = (texts: Readonly<Record<string, string>>): boolean =>
  Object.entries(texts).reduce((sum, [name, text]) => sum + name.length + text.length, 0) <=
  MAX_TEXT;
const labels = z.record(z.string().max(1024), z.string().max(65_536)).refine(fits);
const variables = z
  .record(
    z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/),
    z
      .string()
      .max(131_072)
      .regex(/^[^\0]*$/),
  )
  .refine(fits);

const createOptions = z.strictObject({
  template: z.string().default("default").describe("the name of a template"),
  memoryMB: z.int().min(512).max(65_536).default(1024).describe("a whole number from 512 to 65536"),
  cpuCount: z.int().min(1).max(16).default(1).describe("a whole number from 1 to 16"),
  diskMB: z
    .int()
    .min(IMAGE_DISK_MB)
    .max(1_048_576)
    .default(IMAGE_DISK_MB)
    .describe(`a whole number from ${IMAGE_DISK_MB} to 1048576`),
  envs: variables
    .default({})
    .describe(
      "an object of strings without NUL, whose names are letters, digits and _; at most 1 MiB",
    )
    .meta({ secret: true }),
  metadata: labels.default({}).describe("an object of strings; at most 1 MiB"),
  timeoutMs: z
    .int()
    .min(1)
    .max(MAX_LIFETIME_MS)
    .default(300_000)
    .describe(`a whole number from 1 to ${MAX_LIFETIME_MS}`),
  ...sharedOptions,
  signal: z.instanceof(AbortSignal).optional().describe("an AbortSignal"),
});

const { template, memoryMB, cpuCount, diskMB, envs, metadata, timeoutMs, volumeMounts } =
  createOptions.shape;

/** The schema of what is saved of a sandbox's options, since anybody may have changed the file that it is read from. */
export const keptOptions: z.ZodType<KeptOptions> = z.strictObject({
  ...{ template, memoryMB, cpuCount, diskMB, envs, metadata, timeoutMs },
  lifecycle: sharedOptions.lifecycle,
  volumeMounts,
  workspaces: keptWorkspaces.optional(),
  access: savedAccess,
});

export type KeptOptions = Omit<ResolvedCreateOptions, "signal" | "access" | "folderImage"> & {
  readonly access: SavedAccess;
};

export interface ResolvedCreateOptions {
  readonly template: string;
  readonly memoryMB: number;
  readonly cpuCount: number;
  readonly diskMB: number;
  readonly envs: Record<string, string>;
  readonly metadata: Record<string, string>;
  readonly timeoutMs: number;
  readonly lifecycle?: CreateOptions["lifecycle"];
  readonly volumeMounts?: CreateOptions["volumeMounts"];
  /** In the order in which they were given. */
  readonly workspaces?: readonly WorkspaceInfo[] | undefined;
  /** Where those of them are that the sandbox has a copy of. */
  readonly folderImage?: FolderImage | undefined;
  readonly access: Access;
  readonly signal?: AbortSignal | undefined;
}

/** What a machine has, and a snapshot of it determines. */
export type Shape = Pick<ResolvedCreateOptions, "memoryMB" | "cpuCount" | "diskMB">;

/**
 * Options with their defaults, which are those of what the sandbox is made from. A `snapshot` has one shape; a template
 * has others, too. @throws `invalid_argument`
 */
export function resolveCreateOptions(
  options: unknown,
  from?: Shape,
  kind: "snapshot" | "template" = "snapshot",
): ResolvedCreateOptions {
  const given = parseOptions(createOptions, { ...from, ...defined(options) });
  const { network, networkCeiling, secrets, onNetwork, mcp: _mcp, ...resolved } = given;
  if (from) checkShape(resolved, from, kind);
  const cpus = Math.max(availableParallelism() * 2, 2);
  if (resolved.cpuCount > cpus) {
    throw new EmberboxError(
      "invalid_argument",
      `Expected the \`cpuCount\` option to be at most ${cpus} on this machine, got \`${resolved.cpuCount}\` (number)`,
    );
  }
  const twice = Object.keys(secrets ?? {}).find((name) => Object.hasOwn(resolved.envs, name));
  if (twice !== undefined) {
    throw new EmberboxError(
      "invalid_argument",
      `The variable ${twice} is in both \`envs\` and \`secrets\``,
    );
  }
  return { ...resolved, access: Access.ask({ network, networkCeiling, secrets, onNetwork }) };
}

/** A disk can grow; the rest stays as it was when the snapshot was made. */
function checkShape(asked: Shape, from: Shape, kind: "snapshot" | "template"): void {
  const fail = (key: keyof Shape, be: string): never => {
    throw new EmberboxError(
      "invalid_argument",
      `Expected the \`${key}\` option to be ${be} ${from[key]}, as the ${kind} has it, got \`${asked[key]}\` (number)`,
    );
  };
  for (const key of ["memoryMB", "cpuCount"] as const)
    if (kind === "snapshot" && asked[key] !== from[key]) fail(key, "left out or");
  if (asked.diskMB < from.diskMB) fail("diskMB", "left out or at least");
}

/** Drops options that are `undefined`: they count as not given. */
const defined = (options: unknown): object =>
  Object.fromEntries(Object.entries(options ?? {}).filter(([, value]) => value !== undefined));
