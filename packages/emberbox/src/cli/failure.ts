import { inspect } from "node:util";
import { EmberboxError, type ErrorCode } from "@emberbox/core";
import { plainText } from "@emberbox/core/terminal";

export const EXIT = { ok: 0, failed: 1, usage: 2, brokenPipe: 141 } as const;

/** Receives a command's exit code. */
export type Finish = (exitCode: number) => void;

/** A command line that cannot be understood. */
export class UsageError extends Error {
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

/** The caller's mistakes have a code of their own: trying again does not help. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return EXIT.usage;
  if (!EmberboxError.isInstance(error) || error.kind !== "caller") return EXIT.failed;
  // The command line was understood; a program of the caller's failed.
  return error.code === "template_build_failed" ? EXIT.failed : EXIT.usage;
}

/** Reports on standard error what went wrong and what to do; the stack only if EMBERBOX_DEBUG is set. */
export function reportFailure(error: unknown): void {
  if (process.env["EMBERBOX_DEBUG"]) {
    process.stderr.write(`${plainText(inspect(error))}\n`);
    return;
  }
  say(inWords(error));
}

/** What went wrong, and on the next line what to do, if that is known. */
export function inWords(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const hint = hintOf(error);
  return hint === undefined ? message : `${message}\n${hint}`;
}

/** What to do, in terms of the command line, where the library's hints are about its options. */
const hints: Partial<Record<ErrorCode, string>> = {
  timeout: "Give more time with --timeout (0 means no limit), or do less at once.",
  out_of_memory: "Give the sandbox more with --memory, or use less at a time.",
  template_build_failed: "Correct it, and build again: what was done before it is kept.",
  sandbox_not_found: "`emberbox list` shows those that there are.",
  checkpoint_not_found: "`emberbox history SANDBOX` shows those that there are.",
  workspace_changed: "Look at the changes again, and apply those.",
  workspace_conflict:
    "Nothing was written. `emberbox apply ID --on-conflict` merges them, overwrites yours or skips them.",
  workspace_refused:
    "Nothing was written. Name the paths to apply, or undo it: emberbox discard ID.",
  sandbox_died: "The last lines above are what its console and QEMU said. Try again.",
};

function hintOf(error: unknown): string | undefined {
  if (EmberboxError.isInstance(error)) return hints[error.code] ?? error.hint;
  return error instanceof UsageError ? error.hint : undefined;
}

/** Parts of it may come from a sandbox: they cannot steer the terminal, nor begin a line the way ours do. */
export function say(text: string): void {
  process.stderr.write(`emberbox: ${plainText(text).trimEnd().replaceAll("\n", "\n  ")}\n`);
}
