import { EmberboxError } from "@emberbox/core";

/** What was kept of a sandbox, in `directory`, is not as it was written. */
export function damaged(directory: string, cause: unknown): EmberboxError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new EmberboxError("snapshot_damaged", `what was kept in ${directory} is damaged: ${why}`, {
    cause,
  });
}
