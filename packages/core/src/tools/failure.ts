import { EmberboxError, type ErrorCode } from "../errors.ts";

/** A failure in words for a model, and what follows from it. */
export interface Failure {
  readonly text: string;
  readonly code: ErrorCode | undefined;
  /** It is the machine's, the provider's or ours, so the developer is told. */
  readonly report: boolean;
}

const LOST: ReadonlySet<ErrorCode> = new Set([
  "sandbox_died",
  "sandbox_closed",
  "sandbox_not_found",
]);

/** Failures of what was asked, whose messages speak of nothing but the sandbox's inside. */
const ASKED: ReadonlySet<ErrorCode> = new Set([
  "invalid_argument",
  "invalid_path",
  "file_not_found",
  "file_exists",
  "file_too_large",
  "permission_denied",
  "disk_full",
  "process_not_found",
  "context_not_found",
  "unknown_language",
  "timeout",
  "out_of_memory",
]);

const LATER: ReadonlySet<ErrorCode> = new Set([
  "rate_limited",
  "sandbox_paused",
  "connection_failed",
  "protocol_error",
]);

/** True when a failure means that the sandbox is gone. */
export function isLost(code: unknown): boolean {
  return LOST.has(code as ErrorCode);
}

/** Says why there is no sandbox to work in. */
export function explainNoSandbox(error: unknown): Failure {
  if (!EmberboxError.isInstance(error) || LATER.has(error.code)) return explainFailure(error);
  const text =
    `There is no sandbox to work in (${error.code}), for a reason on the machine that runs it. Nothing was run, ` +
    "and trying again will not help: tell the user. The developer was told what to do.";
  return { text, code: error.code, report: true };
}

/** Says what happened. Messages that may name things outside the sandbox are kept from the model. */
export function explainFailure(error: unknown, replaced: boolean = true): Failure {
  if (!EmberboxError.isInstance(error)) {
    const text =
      "The tool itself failed; this is not due to what was asked. The developer was told.";
    return { text, code: undefined, report: true };
  }
  const { code } = error;
  if (LOST.has(code)) return { text: lostText(code, replaced), code, report: true };
  if (ASKED.has(code)) return { text: askedText(error), code, report: false };
  if (LATER.has(code)) {
    const text = `The sandbox could not be reached (${code}). The same call may work when it is tried again.`;
    return { text, code, report: true };
  }
  return explainNoSandbox(error);
}

function lostText(code: ErrorCode, replaced: boolean): string {
  const what =
    code === "sandbox_died"
      ? "The sandbox ended unexpectedly during this call."
      : "The sandbox was closed, or reached the end of its lifetime.";
  return (
    `${what} Its state is lost: variables, files and processes. ` +
    (replaced
      ? "The next call starts a new, empty sandbox: begin again with what is needed."
      : "There is no other: tell the user.")
  );
}

function askedText(error: EmberboxError): string {
  return `Failed (${error.code}): ${error.message}. ${modelHints[error.code] ?? ""}`
    .replace("..", ".")
    .trim();
}

const modelHints: Partial<Readonly<Record<ErrorCode, string>>> = {
  invalid_path: "Use an absolute path, or one relative to the home directory, without `..`.",
  file_not_found: "List the directory to see what is there.",
  file_too_large: "Work on it with a command or with code.",
  permission_denied: "Use another path, or a command with `sudo`.",
  disk_full: "Remove files that are not needed.",
};

/** What the first result in a new sandbox begins with. */
export function lostNotice(reason: string): string {
  return (
    `Note: the sandbox of the earlier calls is gone (${reason}). This ran in a new, empty one: ` +
    "variables, files and processes of earlier calls are lost.\n\n"
  );
}
