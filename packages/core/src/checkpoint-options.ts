import { z } from "zod";
import {
  type FieldsOf,
  lifetime,
  parseArgument,
  parseOptions,
  type RequestOptions,
  signal,
} from "./options.ts";

/** A point to which a sandbox can be taken back. */
export interface CheckpointInfo {
  readonly checkpointId: string;
  readonly sandboxId: string;
  /** The checkpoint at which the machine last was before this one, of those that there still are. */
  readonly parentId?: string | undefined;
  readonly label?: string | undefined;
  /** Who made it, such as a tool call's id. */
  readonly by?: string | undefined;
  readonly createdAt: Date;
  /** Bytes on disk besides what it shares with the one before. */
  readonly sizeBytes?: number | undefined;
  /** True in what `checkpoint` returns when the machine is the same as at this one, and none was made. */
  readonly unchanged?: boolean | undefined;
  /** True in a history for the checkpoint at which the machine last was. */
  readonly current?: boolean | undefined;
  /** True when it cannot be used: its files are damaged, or another version's. */
  readonly damaged?: boolean | undefined;
}

/** Which checkpoints of a sandbox to keep; the one just made always stays. */
export interface CheckpointKeep {
  /** At most so many, the newest. */
  readonly last?: number | undefined;
  /** The newest that take at most so many bytes together. */
  readonly bytes?: number | undefined;
}

/** What to write down with a checkpoint, and which older ones to keep. */
export interface CheckpointOptions extends Pick<RequestOptions, "signal"> {
  /** What people see in the history, up to 200 characters. */
  readonly label?: string | undefined;
  /** Who asked for it, such as a tool call's id; up to 200 characters. */
  readonly by?: string | undefined;
  /** Deletes older checkpoints of the sandbox above these limits. @default all are kept */
  readonly keep?: CheckpointKeep | undefined;
}

/** How many sandboxes to make of a checkpoint, and how long they live. */
export interface BranchOptions extends Pick<RequestOptions, "signal"> {
  /** How many, 1 to 100. @default 1 */
  readonly count?: number | undefined;
  /** Lifetime of each in milliseconds. @default 300_000 */
  readonly timeoutMs?: number | undefined;
}

/** What providers are asked for. */
export interface ProviderBranchOptions extends BranchOptions {
  /** False for no network, whatever the sandbox has. @default what the sandbox has */
  readonly network?: false | undefined;
}

/** A file, directory or link that differs between two checkpoints. */
export interface FileDifference {
  readonly path: string;
  /** `changed`: its bytes, mode, owner or kind. */
  readonly change: "added" | "changed" | "removed";
  /** Bytes. */
  readonly sizeBefore?: number | undefined;
  /** Bytes. */
  readonly sizeAfter?: number | undefined;
}

/** A variable of Python's default context that differs between two checkpoints. */
export interface VariableDifference {
  readonly name: string;
  readonly change: "added" | "changed" | "removed";
  /** Its type, and its `repr`, shortened. */
  readonly before?: { readonly type: string; readonly text: string } | undefined;
  readonly after?: { readonly type: string; readonly text: string } | undefined;
}

/** What differs between two points of a sandbox's history. */
export interface CheckpointChanges {
  /** Sorted by path; at most 10 000. */
  readonly files: readonly FileDifference[];
  /** Sorted by name, without modules and names that begin with `_`; `undefined` where Python is busy or not there. */
  readonly variables?: readonly VariableDifference[] | undefined;
  /** Whether there was more. */
  readonly truncated: boolean;
}

const note = (what: string): z.ZodOptional<z.ZodString> =>
  z
    .string()
    .min(1)
    .max(200)
    // Nothing that a terminal could take for a command.
    .regex(/^[^\p{Cc}]*$/u)
    .optional()
    .describe(`${what} of 1 to 200 characters, without control characters`);
export const checkpointKeep: z.ZodType<CheckpointKeep> = z.strictObject({
  last: z.int().min(1).max(1024).optional(),
  bytes: z.int().min(0).optional(),
} satisfies FieldsOf<CheckpointKeep>);
const keep = checkpointKeep
  .optional()
  .describe("`{ last, bytes }`, a number of checkpoints from 1 to 1024 and a number of bytes");
const checkpointSchema = z.strictObject({
  signal,
  label: note("a label"),
  by: note("a name"),
  keep,
} satisfies FieldsOf<CheckpointOptions>);
const branchFields = {
  signal,
  count: z.int().min(1).max(100).optional().describe("a whole number from 1 to 100"),
  timeoutMs: lifetime.optional().describe(lifetime.description!),
};
const branchSchema = z.strictObject({ ...branchFields } satisfies FieldsOf<BranchOptions>);
const providerBranchSchema = z.strictObject({
  ...branchFields,
  network: z.literal(false).optional().describe("false, or nothing"),
} satisfies FieldsOf<ProviderBranchOptions>);
const checkpointId = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,128}$/)
  .describe("a checkpoint's id");

export const parseCheckpoint = (options: unknown): CheckpointOptions =>
  parseOptions(checkpointSchema, options);
export const parseBranch = (options: unknown): BranchOptions => parseOptions(branchSchema, options);
export const parseProviderBranch = (options: unknown): ProviderBranchOptions =>
  parseOptions(providerBranchSchema, options);
export const parseCheckpointId = (id: unknown): string =>
  parseArgument(checkpointId, "checkpointId", id);
