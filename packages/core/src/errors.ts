import { plainText } from "./terminal.ts";

/** What went wrong, for programs; the table below says what each means. */
export type ErrorCode =
  | "invalid_argument"
  | "invalid_path"
  | "unsupported"
  | "unauthorized"
  | "rate_limited"
  | "file_not_found"
  | "file_exists"
  | "file_too_large"
  | "permission_denied"
  | "disk_full"
  | "process_not_found"
  | "context_not_found"
  | "unknown_language"
  | "timeout"
  | "out_of_memory"
  | "sandbox_not_found"
  | "sandbox_died"
  | "sandbox_closed"
  | "sandbox_paused"
  | "unknown_template"
  | "snapshot_damaged"
  | "snapshot_incompatible"
  | "provider_missing"
  | "qemu_missing"
  | "tool_missing"
  | "image_missing"
  | "image_build_failed"
  | "boot_failed"
  | "host_disk_full"
  | "host_out_of_memory"
  | "service_failed"
  | "events_lost"
  | "connection_failed"
  | "protocol_error";

/** What each error code means, and what to do about it. The documentation's table is generated from this one. */
export const errorCodes: Readonly<
  Record<ErrorCode, { readonly meaning: string; readonly hint: string }>
> = {
  invalid_argument: {
    meaning: "An option or argument is not acceptable.",
    hint: "Correct the value that the message names.",
  },
  invalid_path: {
    meaning: "A path is not acceptable.",
    hint: "Use an absolute path, or one relative to the home directory, without `..`.",
  },
  unsupported: {
    meaning: "This provider cannot do what was asked.",
    hint: "Look at `capabilities`, or choose another provider.",
  },
  unauthorized: {
    meaning: "The credentials were refused.",
    hint: "Check the API key or access token.",
  },
  rate_limited: {
    meaning: "The provider refuses more requests for now.",
    hint: "Wait, then try again.",
  },
  file_not_found: {
    meaning: "No such file or directory in the sandbox.",
    hint: "List the directory to see what is there.",
  },
  file_exists: {
    meaning: "Something with that name is there already.",
    hint: "Remove it first or choose another name.",
  },
  file_too_large: {
    meaning: "The file is larger than this call may hold in memory.",
    hint: "Read it with `format: 'stream'`.",
  },
  permission_denied: {
    meaning: "The user in the sandbox may not do that.",
    hint: "Use another path, or `user: 'root'`.",
  },
  disk_full: {
    meaning: "The sandbox's disk is full.",
    hint: "Remove files, or create the sandbox with a larger `diskMB`.",
  },
  process_not_found: {
    meaning: "No running process has that id.",
    hint: "List the processes with `commands.list()`.",
  },
  context_not_found: {
    meaning: "No code context has that id.",
    hint: "Create one with `createCodeContext()`.",
  },
  unknown_language: {
    meaning: "No interpreter for that language is installed.",
    hint: "Use one of the languages that the message names.",
  },
  timeout: {
    meaning: "The time limit was reached; what ran was stopped.",
    hint: "Raise `timeoutMs` (0 means no limit), or do less per call.",
  },
  out_of_memory: {
    meaning: "The code needed more memory than the sandbox has.",
    hint: "Create the sandbox with a larger `memoryMB`, or use less at a time.",
  },
  sandbox_not_found: {
    meaning: "No sandbox with that id is running or paused.",
    hint: "Create a new one.",
  },
  sandbox_died: {
    meaning: "The sandbox's virtual machine ended by itself.",
    hint: "Create a new one; the console's last lines say why it ended.",
  },
  sandbox_closed: {
    meaning: "The sandbox was closed, or reached the end of its lifetime.",
    hint: "Create a new one, with a larger `timeoutMs` or `setTimeout()` in time.",
  },
  sandbox_paused: {
    meaning: "The sandbox is paused.",
    hint: "Resume it with `connect`, or create it with `lifecycle: { onTimeout: 'pause', autoResume: true }`.",
  },
  unknown_template: {
    meaning: "No template or snapshot with that name.",
    hint: "Use one of the templates that the message names, or a snapshot that `listSnapshots` names.",
  },
  snapshot_damaged: {
    meaning: "What was kept of a sandbox on disk is damaged or incomplete.",
    hint: "Delete it and make it anew; nothing of it was used.",
  },
  snapshot_incompatible: {
    meaning: "What was kept of a sandbox was saved by another version of the engine.",
    hint: "Resume with `onResume: 'reboot'`, which needs its disk only, or make it anew.",
  },
  provider_missing: {
    meaning: "No provider was given, and the engine on this machine is not installed.",
    hint: "Install `@emberbox/microvm`, or give a `provider`.",
  },
  qemu_missing: {
    meaning: "QEMU is not installed, or too old.",
    hint: "Run `emberbox doctor` to see what is missing and how to install it.",
  },
  tool_missing: {
    meaning: "A program that this needs is not installed.",
    hint: "Run `emberbox doctor` to see what is missing and how to install it.",
  },
  image_missing: { meaning: "The guest image has not been built.", hint: "Run `emberbox build`." },
  image_build_failed: {
    meaning: "Building the guest image failed; nothing was left behind.",
    hint: "The message ends with the builder's last lines. Run `emberbox build` again.",
  },
  boot_failed: {
    meaning: "The virtual machine did not start.",
    hint: "Run `emberbox doctor`; the console's last lines are in the details.",
  },
  host_disk_full: {
    meaning: "This machine's disk is full.",
    hint: "Free some space, or point EMBERBOX_HOME at another disk.",
  },
  host_out_of_memory: {
    meaning: "This machine has not enough free memory.",
    hint: "End some sandboxes, or ask for fewer or smaller ones.",
  },
  service_failed: {
    meaning: "The service that runs the sandboxes failed.",
    hint: "Try again; the service's own log says why.",
  },
  events_lost: {
    meaning: "More changed in a watched directory than could be reported.",
    hint: "List the directory to see what is there now, and watch it again.",
  },
  connection_failed: {
    meaning: "The connection to the sandbox failed, or was given up.",
    hint: "Ask `isRunning()` whether the sandbox is still there, then try again.",
  },
  protocol_error: {
    meaning: "The other side did not speak the protocol that was expected.",
    hint: "Check that both sides are of the same version.",
  },
};

export interface EmberboxErrorOptions {
  /** What the call had so far (an `Execution`, a `CommandResult`), or facts about the failure. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
  /** Replaces the code's usual hint. */
  readonly hint?: string;
}

const brand = Symbol.for("emberbox.error");

/** The one error class. `code` says what happened, `hint` what to do, `details` what is known. */
export class EmberboxError extends Error {
  override readonly name: string = "EmberboxError";
  readonly code: ErrorCode;
  readonly hint: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: EmberboxErrorOptions = {}) {
    // Parts of it may be a sandbox's words, and programs print errors.
    super(plainText(message), options.cause === undefined ? undefined : { cause: options.cause });
    Object.defineProperty(this, brand, { value: true });
    this.code = code;
    this.hint = options.hint ?? errorCodes[code].hint;
    this.details = Object.freeze({ ...options.details });
  }

  /** True for an `EmberboxError` of any copy of this package. */
  static isInstance(value: unknown): value is EmberboxError {
    return (
      typeof value === "object" &&
      value !== null &&
      (value as Record<symbol, unknown>)[brand] === true
    );
  }
}
