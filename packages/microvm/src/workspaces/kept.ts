import type { Baseline, WorkspaceInfo } from "@emberbox/core/workspace";
import { z } from "zod";

/*
 * What is on disk about workspaces: anybody may have changed it.
 */

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const MAX_ENTRIES = 1_000_000;
/** One character for each byte. */
const bytes = z
  .string()
  .max(4096)
  .refine((text) => !/[^\0-\u{ff}]|\0/u.test(text));
/** A name that no one can leave a folder by. */
const path = bytes.regex(/^(?!\.{1,2}(?:\/|$))[^/]{1,255}(?:\/(?!\.{1,2}(?:\/|$))[^/]{1,255})*$/);

export const baselineSchema: z.ZodType<Baseline> = z.strictObject({
  digest,
  entries: z
    .array(
      z.strictObject({
        path,
        type: z.enum(["file", "directory", "symlink"]),
        mode: z.int().min(0).max(0o7777),
        size: z.int().min(0),
        mtimeMs: z.number(),
        ctimeMs: z.number().optional(),
        target: bytes.optional(),
        digest: digest.optional(),
        hardLinkOf: path.optional(),
      }),
    )
    .max(MAX_ENTRIES),
});

const place = z
  .string()
  .max(4096)
  .regex(/^\/[^\0]*$/);

export const keptWorkspaces: z.ZodType<readonly WorkspaceInfo[]> = z
  .array(
    z.strictObject({
      host: place,
      guest: place,
      mode: z.enum(["review", "readonly", "live"]),
      baseline: digest,
      synced: digest.optional(),
      isForeign: z.literal(true).optional(),
      options: z
        .strictObject({
          ignore: z.array(z.string()).optional(),
          gitignore: z.boolean().optional(),
          secrets: z.boolean().optional(),
        })
        .optional(),
    }),
  )
  .max(16);
