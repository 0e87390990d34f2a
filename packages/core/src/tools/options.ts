import { z } from "zod";
import { type FieldsOf, parseOptions, positiveInteger, text } from "../options.ts";
import { sessionFields, type SandboxSessionsOptions } from "../sessions/sandbox-sessions.ts";
import type { ToolLimits } from "./definition.ts";
import type { GivenFacts } from "./facts.ts";
import type { ProgressOptions } from "./stream.ts";
import type { ToolName } from "./types.ts";

/** Which tools there are, what they are called, and what limits apply. */
export interface ToolOptions extends SandboxSessionsOptions, Partial<ToolLimits> {
  /** Which tools to offer, in this order. @default all six */
  readonly include?: readonly ToolName[] | undefined;
  /** Prefix of every name, such as `sandbox_`. @default "" */
  readonly prefix?: string | undefined;
  /** Adds to each result the files that Python code created or changed. @default false */
  readonly reportFiles?: boolean | undefined;
  /** Facts for the descriptions, where you know better. */
  readonly facts?: GivenFacts | undefined;
  /** How often `stream` yields progress, in milliseconds. @default 250 */
  readonly progressIntervalMs?: number | undefined;
  /** How many of the last bytes of each stream a progress value holds. @default 4096 */
  readonly progressBytes?: number | undefined;
}

const NAMES = [
  "run_code",
  "run_command",
  "read_file",
  "write_file",
  "edit_file",
  "list_files",
] as const satisfies readonly ToolName[];

const schema = z.strictObject({
  include: z
    .array(z.enum(NAMES))
    .optional()
    .describe(`an array of ${NAMES.join(", ")}`),
  prefix: z
    .string()
    .regex(/^[A-Za-z0-9_-]{0,32}$/)
    .optional()
    .describe("up to 32 letters, digits, - and _"),
  reportFiles: z.boolean().optional().describe("true or false"),
  facts: z
    .strictObject({
      languages: z.array(z.string()).optional().describe("an array of strings"),
      software: text,
      system: text,
      workingDirectory: text,
      network: text,
      folders: text,
    } satisfies FieldsOf<GivenFacts>)
    .optional()
    .describe(
      "an object with `languages`, `software`, `system`, `workingDirectory`, `network` and `folders`",
    ),
  progressIntervalMs: positiveInteger,
  progressBytes: positiveInteger,
  timeoutMs: positiveInteger,
  maxTimeoutMs: positiveInteger,
  maxOutputBytes: z.int().min(1000).optional().describe("a whole number of at least 1000"),
  maxPictureBytes: positiveInteger,
  maxTotalPictureBytes: positiveInteger,
  maxPictures: z.int().min(0).optional().describe("a whole number of at least 0"),
  ...sessionFields,
} satisfies FieldsOf<ToolOptions>);

/** Checked options, with all defaults filled in. */
export interface ResolvedToolOptions extends SandboxSessionsOptions {
  readonly include: readonly ToolName[];
  readonly prefix: string;
  readonly reportFiles: boolean;
  readonly facts: GivenFacts | undefined;
  readonly progress: ProgressOptions;
  readonly limits: ToolLimits;
}

/** Checks options and fills in the defaults. @throws `invalid_argument` */
export function resolveToolOptions(options: ToolOptions): ResolvedToolOptions {
  const given = parseOptions(schema, options);
  const { idleTimeoutMs, onIdle, maxSandboxes, onError } = given;
  const maxTimeoutMs = given.maxTimeoutMs ?? 600_000;
  return {
    include: given.include ?? NAMES,
    prefix: given.prefix ?? "",
    reportFiles: given.reportFiles ?? false,
    facts: given.facts,
    progress: {
      intervalMs: given.progressIntervalMs ?? 250,
      tailBytes: given.progressBytes ?? 4096,
    },
    limits: {
      timeoutMs: Math.min(given.timeoutMs ?? 60_000, maxTimeoutMs),
      maxTimeoutMs,
      maxOutputBytes: given.maxOutputBytes ?? 20_000,
      maxPictureBytes: given.maxPictureBytes ?? 3_500_000,
      maxTotalPictureBytes: given.maxTotalPictureBytes ?? 12_000_000,
      maxPictures: given.maxPictures ?? 8,
    },
    idleTimeoutMs,
    onIdle,
    maxSandboxes,
    onError,
  };
}
