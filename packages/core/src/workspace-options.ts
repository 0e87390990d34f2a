import { z } from "zod";
import { mountPath } from "./mount-path.ts";
import type { FieldsOf } from "./options.ts";

/**
 * How a folder of this machine is in a sandbox. `review`: as a copy that can be written, whose changes reach the folder
 * when they are applied. `readonly`: as a copy that cannot be written. `live`: the folder itself.
 */
export type WorkspaceMode = "review" | "readonly" | "live";

/** A folder of this machine that a sandbox is to work on. */
export interface WorkspaceOptions {
  /** A folder on this machine, but not `/`. A relative path begins at the program's working directory. */
  readonly host: string;
  /** The absolute path that it has in the sandbox. @default its name in `/home/user` */
  readonly guest?: string | undefined;
  /** @default "review" */
  readonly mode?: WorkspaceMode | undefined;
  /** Patterns, in the form of `.gitignore`, of what stays out, besides those of `.emberboxignore` files. */
  readonly ignore?: readonly string[] | undefined;
  /** Leaves out what `.gitignore` files name. @default false */
  readonly gitignore?: boolean | undefined;
  /** Brings files along that look like secrets (`.env`, keys). @default false: they stay out and are listed */
  readonly secrets?: boolean | undefined;
}

/**
 * A file, directory or symbolic link. Paths are relative and separated by `/`; each character of a path or target is
 * one byte of the name (latin1), since names need not be UTF-8.
 */
export interface BaselineEntry {
  readonly path: string;
  readonly type: "file" | "directory" | "symlink";
  /** Permission bits, such as `0o644`. */
  readonly mode: number;
  /** Bytes of a file, otherwise 0. */
  readonly size: number;
  /** When it was last changed, in milliseconds since 1970. */
  readonly mtimeMs: number;
  /** When its inode was last changed: with the others, it tells whether a file needs to be read again. */
  readonly ctimeMs?: number | undefined;
  /** What a link says. */
  readonly target?: string | undefined;
  /** SHA-256 of a file's bytes as hex, once they have been read. */
  readonly digest?: string | undefined;
  /** The earlier entry that is the same file. */
  readonly hardLinkOf?: string | undefined;
}

/** A folder as it was at one time. */
export interface Baseline {
  /** Sorted by the bytes of their paths' segments, parents before what is in them. */
  readonly entries: readonly BaselineEntry[];
  /** SHA-256, as hex, of all entries without `ctimeMs` and `digest`. */
  readonly digest: string;
}

/** A folder as a provider is asked to bring it into a sandbox. */
export interface WorkspaceMount {
  /** Absolute, without symbolic links. */
  readonly host: string;
  readonly guest: string;
  readonly mode: WorkspaceMode;
  /** What comes along. For `live`, what was there when it was asked for. */
  readonly baseline: Baseline;
  /** Whether something of this path, in the form of those in the baseline, is to stay out. */
  readonly isIgnored: (path: string, isDirectory: boolean) => boolean;
  /** How it was asked for, to be kept in its `WorkspaceInfo`. */
  readonly options?: WorkspaceInfo["options"];
}

/** What a provider keeps about a sandbox's workspace, for as long as the sandbox and for its copies. */
export interface WorkspaceInfo {
  readonly host: string;
  readonly guest: string;
  readonly mode: WorkspaceMode;
  /** Digest of what was brought along. */
  readonly baseline: string;
  /** Digest of what host and sandbox last agreed on, once something was applied or refreshed. */
  readonly synced?: string | undefined;
  /** What the sandbox was made of is not this user's: whoever made it chose the path. */
  readonly isForeign?: true | undefined;
  /** How it was asked for: what is left out of a refresh is found anew. */
  readonly options?: Pick<WorkspaceOptions, "ignore" | "gitignore" | "secrets"> | undefined;
}

const modes = z.enum(["review", "readonly", "live"]);
const MAX_WORKSPACES = 16;

const workspaceOptions = z.strictObject({
  host: z
    .string()
    .min(1)
    .regex(/^[^\0]+$/)
    .describe("a path on this machine"),
  guest: mountPath
    .optional()
    .describe(
      "an absolute path in the sandbox without `.` and `..` outside of /proc, /sys, /dev and /run",
    ),
  mode: modes.optional().describe("`review`, `readonly` or `live`"),
  ignore: z.array(z.string()).optional().describe("an array of patterns"),
  gitignore: z.boolean().optional().describe("true or false"),
  secrets: z.boolean().optional().describe("true or false"),
} satisfies FieldsOf<WorkspaceOptions>);

/** A path, or more about it. */
export const workspaceSchema: z.ZodType<WorkspaceOptions | undefined, unknown> = z
  .union([
    z
      .string()
      .min(1)
      .regex(/^[^\0]+$/)
      .transform((host): WorkspaceOptions => ({ host })),
    workspaceOptions,
  ])
  .optional()
  .describe("the path of a folder on this machine, or an object with it as `host`");

export const workspacesSchema: z.ZodType<readonly WorkspaceOptions[] | undefined, unknown> = z
  .array(workspaceOptions)
  .max(MAX_WORKSPACES)
  .optional()
  .describe(`an array of at most ${MAX_WORKSPACES} folders: \`{ host, guest, mode, … }\``);

/** What core hands to a provider. It is made here, of a folder, so only its outline is checked. */
export const workspaceMountsSchema: z.ZodType<readonly WorkspaceMount[] | undefined> = z
  .array(
    z.strictObject({
      host: z.string().regex(/^\/[^\0]+$/),
      guest: mountPath,
      mode: modes,
      baseline: z.custom<Baseline>(
        (value) =>
          typeof value === "object" && value !== null && "entries" in value && "digest" in value,
      ),
      isIgnored: z.custom<WorkspaceMount["isIgnored"]>((value) => typeof value === "function"),
      options: z.custom<WorkspaceInfo["options"]>((value) => typeof value === "object").optional(),
    } satisfies FieldsOf<WorkspaceMount>),
  )
  .max(MAX_WORKSPACES)
  .optional()
  .describe("an array of folders with their baselines");
