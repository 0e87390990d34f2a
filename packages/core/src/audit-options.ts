import { z } from "zod";
import { callback, type FieldsOf, positiveInteger } from "./options.ts";
import type { AuditEvent } from "./audit-event.ts";

/** Where a record of all that is asked of a sandbox goes. One of `directory` and `sink` is given. */
export interface AuditOptions {
  /** A directory on this machine, whose files are only added to. It is made if need be. */
  readonly directory?: string | undefined;
  /** Called with each event, one after another; the call that it is about waits for it. */
  readonly sink?: ((event: AuditEvent) => unknown) | undefined;
  /**
   * Records code, commands, output and the text of files, too: the first 64 KiB of each. Otherwise there are their sizes
   * and digests only. Paths are recorded in any case, values of `secrets` in none.
   * @default false
   */
  readonly content?: boolean | undefined;
  /**
   * What happens when an event cannot be recorded: `throw` refuses the call, before it is made, with `audit_failed`;
   * `warn` makes it all the same, with a Node warning.
   * @default "throw"
   */
  readonly onFailure?: "throw" | "warn" | undefined;
  /** When the next file of a directory is begun, in bytes. @default 67_108_864 */
  readonly maxFileBytes?: number | undefined;
}

/** Checks an option `audit`. */
export const auditSchema: z.ZodType<AuditOptions | undefined> = z
  .strictObject({
    directory: z
      .string()
      .regex(/^[^\0]+$/)
      .optional(),
    sink: callback<(event: AuditEvent) => unknown>(),
    content: z.boolean().optional(),
    onFailure: z.enum(["throw", "warn"]).optional(),
    maxFileBytes: positiveInteger,
  } satisfies FieldsOf<AuditOptions>)
  .refine(({ directory, sink }) => (directory === undefined) !== (sink === undefined))
  .optional()
  .describe(
    '`{ directory: a path }` or `{ sink: a function }`, with `content: boolean`, `onFailure: "throw" | "warn"` and `maxFileBytes`',
  );
