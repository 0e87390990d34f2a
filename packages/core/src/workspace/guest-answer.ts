import { z } from "zod";
import { EmberboxError } from "../errors.ts";

/**
 * What the agent in a machine answers to `GET /workspaces/<n>/changes` on the port of envd: what is there beyond the
 * baseline that was brought along (`readChanges` tells how). Paths and targets have one character for each byte, as in a
 * `Baseline`.
 * `GET /workspaces/<n>/original?path=` answers with a file's bytes as they were brought along; the path's bytes are
 * percent-encoded.
 */
export interface GuestChanges {
  /** Gone, with everything in them, before `entries` came: also directories that were replaced. */
  readonly removed: readonly string[];
  /**
   * What may differ from the baseline: all that was written to, parents before what is in them. What is no directory
   * takes the place of one with everything in it.
   */
  readonly entries: readonly GuestEntry[];
  /** Not all was told. */
  readonly isTooMuch?: true | undefined;
}

/** What is at a path in the sandbox. */
export interface GuestEntry {
  readonly path: string;
  readonly type: "file" | "directory" | "symlink" | "other";
  readonly mode: number;
  readonly size: number;
  readonly mtimeMs: number;
  readonly target?: string | undefined;
  /** SHA-256 as hex, of every file that is not longer than `MAX_READ`. */
  readonly digest?: string | undefined;
}

/** The most entries of one answer, and the most bytes of it. */
export const MAX_GUEST_ENTRIES = 200_000;
export const MAX_GUEST_BYTES: number = 256 * 1024 * 1024;

/** The longest file that is read, in bytes: one with a hole can be of any length, and would take days. */
export const MAX_READ: number = 16 * 1024 ** 3;

/** Relative, of bytes, without empty segments, `.` and `..`. */
const path = z
  .string()
  .min(1)
  .max(4095)
  .regex(
    // oxlint-disable-next-line no-control-regex
    /^(?!\.{1,2}(?:\/|$))[\x01-\x2e\x30-\xff]{1,255}(?:\/(?!\.{1,2}(?:\/|$))[\x01-\x2e\x30-\xff]{1,255})*$/,
  );
const entry = z.object({
  path,
  type: z.enum(["file", "directory", "symlink", "other"]),
  mode: z.int().min(0).max(0o7777),
  size: z.int().min(0),
  mtimeMs: z.number().min(-8.64e15).max(8.64e15),
  target: z
    .string()
    .min(1)
    .max(4095)
    // oxlint-disable-next-line no-control-regex
    .regex(/^[\x01-\xff]*$/)
    .optional(),
  digest: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
});

export const guestChanges: z.ZodType<GuestChanges> = z.object({
  removed: z.array(path).max(MAX_GUEST_ENTRIES),
  entries: z.array(entry).max(MAX_GUEST_ENTRIES),
  isTooMuch: z.literal(true).optional(),
});

export const tooManyChanges = (): EmberboxError =>
  new EmberboxError(
    "invalid_argument",
    `There are ${MAX_GUEST_ENTRIES} or more files to look at in the sandbox's workspace`,
    { hint: "Leave out what is installed or built there, such as `ignore: ['node_modules/']`." },
  );
