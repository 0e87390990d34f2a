/** What went wrong, in a form for programs; the table below says what each code means. */
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
  | "rolled_back"
  | "checkpoint_not_found"
  | "unknown_template"
  | "volume_not_found"
  | "volume_exists"
  | "volume_in_use"
  | "workspace_changed"
  | "workspace_conflict"
  | "workspace_refused"
  | "snapshot_damaged"
  | "snapshot_incompatible"
  | "provider_missing"
  | "qemu_missing"
  | "tool_missing"
  | "image_missing"
  | "image_build_failed"
  | "template_build_failed"
  | "boot_failed"
  | "mcp_failed"
  | "host_disk_full"
  | "host_out_of_memory"
  | "service_failed"
  | "events_lost"
  | "audit_failed"
  | "connection_failed"
  | "protocol_error";

/** Who can do something about a failure, so that programs can also handle codes that they do not know. */
export type ErrorKind =
  /** The call asked for something unacceptable or missing; a different call may succeed. */
  | "caller"
  /** A limit was reached: of time, memory, disk, size or requests. */
  | "limit"
  /** The sandbox, or its saved state, is gone or unusable: start again with a new one. */
  | "lost"
  /** The provider cannot do this. */
  | "unsupported"
  /** The host, its set-up or the connection is at fault, whatever was asked. */
  | "environment"
  /** Emberbox or the service itself failed. */
  | "internal";

/** What is known about an error code. */
export interface ErrorFacts {
  readonly kind: ErrorKind;
  /** The HTTP status that stands for it in answers of the server and of a sandbox's own services. */
  readonly status: number;
  readonly meaning: string;
  /** What a developer can do about it. */
  readonly hint: string;
  /**
   * What a model can do about it: `correct` the call, guided by the error's message; `retry` the same call; `restart`
   * in a new sandbox; or `tell_user`, without the particulars, since they may name things outside the sandbox.
   */
  readonly model: "correct" | "retry" | "restart" | "tell_user";
  /** What a model is told in addition: how to correct the call, or, instead of `meaning`, how the sandbox was lost. */
  readonly modelText?: string;
}

/** Everything known about each code. The table in the documentation is generated from this one. */
export const errorCodes: Readonly<Record<ErrorCode, ErrorFacts>> = {
  invalid_argument: {
    kind: "caller",
    status: 400,
    meaning: "An option or argument is not acceptable.",
    hint: "Correct the value that the message names.",
    model: "correct",
  },
  invalid_path: {
    kind: "caller",
    status: 400,
    meaning: "A path is not acceptable.",
    hint: "Use an absolute path, or one relative to the home directory, without `..`.",
    model: "correct",
    modelText: "Use an absolute path, or one relative to the home directory, without `..`.",
  },
  unsupported: {
    kind: "unsupported",
    status: 501,
    meaning: "This provider cannot do what was asked.",
    hint: "Look at `capabilities`, or choose another provider.",
    model: "tell_user",
  },
  unauthorized: {
    kind: "environment",
    status: 401,
    meaning: "The credentials were refused.",
    hint: "Check the API key or access token.",
    model: "tell_user",
  },
  rate_limited: {
    kind: "limit",
    status: 429,
    meaning: "The provider refuses more requests for now.",
    hint: "Wait, then try again.",
    model: "retry",
  },
  file_not_found: {
    kind: "caller",
    status: 404,
    meaning: "No such file or directory in the sandbox.",
    hint: "List the directory to see what is there.",
    model: "correct",
    modelText: "List the directory to see what is there.",
  },
  file_exists: {
    kind: "caller",
    status: 409,
    meaning: "Something with that name is there already.",
    hint: "Remove it first or choose another name.",
    model: "correct",
  },
  file_too_large: {
    kind: "limit",
    status: 413,
    meaning: "The file is larger than this call may hold in memory.",
    hint: "Read it with `format: 'stream'`.",
    model: "correct",
    modelText: "Work on it with a command or with code.",
  },
  permission_denied: {
    kind: "caller",
    status: 403,
    meaning: "The user in the sandbox may not do that.",
    hint: "Use another path, or `user: 'root'`.",
    model: "correct",
    modelText: "Use another path, or a command with `sudo`.",
  },
  disk_full: {
    kind: "limit",
    status: 507,
    meaning: "The sandbox's disk is full.",
    hint: "Remove files, or create the sandbox with a larger `diskMB`.",
    model: "correct",
    modelText: "Remove files that are not needed.",
  },
  process_not_found: {
    kind: "caller",
    status: 404,
    meaning: "No running process has that id.",
    hint: "List the processes with `commands.list()`.",
    model: "correct",
  },
  context_not_found: {
    kind: "caller",
    status: 404,
    meaning: "No code context has that id.",
    hint: "Create one with `createCodeContext()`.",
    model: "correct",
  },
  unknown_language: {
    kind: "caller",
    status: 400,
    meaning: "No interpreter for that language is installed.",
    hint: "Use one of the languages that the message names.",
    model: "correct",
  },
  timeout: {
    kind: "limit",
    status: 504,
    meaning: "The time limit was reached; what ran was stopped.",
    hint: "Raise `timeoutMs` (0 means no limit), or do less per call.",
    model: "correct",
  },
  out_of_memory: {
    kind: "limit",
    status: 500,
    meaning: "The code needed more memory than the sandbox has.",
    hint: "Create the sandbox with a larger `memoryMB`, or use less at a time.",
    model: "correct",
  },
  sandbox_not_found: {
    kind: "lost",
    status: 404,
    meaning: "No sandbox with that id is running or paused.",
    hint: "Create a new one.",
    model: "restart",
    modelText: "The sandbox was closed, or reached the end of its lifetime.",
  },
  sandbox_died: {
    kind: "lost",
    status: 500,
    meaning: "The sandbox's virtual machine ended by itself.",
    hint: "Create a new one; the console's last lines say why it ended.",
    model: "restart",
    modelText: "The sandbox ended unexpectedly during this call.",
  },
  sandbox_closed: {
    kind: "lost",
    status: 404,
    meaning: "The sandbox was closed, or reached the end of its lifetime.",
    hint: "Create a new one, with a larger `timeoutMs` or `setTimeout()` in time.",
    model: "restart",
  },
  sandbox_paused: {
    kind: "caller",
    status: 409,
    meaning: "The sandbox is paused.",
    hint: "Resume it with `connect`, or create it with `lifecycle: { onTimeout: 'pause', autoResume: true }`.",
    model: "retry",
  },
  rolled_back: {
    kind: "caller",
    status: 409,
    meaning: "The sandbox was taken back to a checkpoint while the call was under way.",
    hint: "The sandbox is as it was at the checkpoint: call again if that is still wanted.",
    model: "correct",
    modelText: "The sandbox was taken back to an earlier state during this call.",
  },
  checkpoint_not_found: {
    kind: "caller",
    status: 404,
    meaning: "The sandbox has no checkpoint with that id.",
    hint: "`history()` says which it has.",
    model: "tell_user",
  },
  unknown_template: {
    kind: "caller",
    status: 404,
    meaning: "No template or snapshot with that name.",
    hint: "Use one of the templates that the message names, or a snapshot that `listSnapshots` names.",
    model: "tell_user",
  },
  volume_not_found: {
    kind: "caller",
    status: 404,
    meaning: "There is no such volume.",
    hint: "`Volume.list` says which there are. A sandbox that had it mounted cannot be resumed without it.",
    model: "tell_user",
  },
  volume_exists: {
    kind: "caller",
    status: 409,
    meaning: "There is a volume of that name already.",
    hint: "Use it with `Volume.connect`, or choose another name.",
    model: "tell_user",
  },
  volume_in_use: {
    kind: "caller",
    status: 409,
    meaning: "A sandbox that runs has the volume mounted.",
    hint: "End the sandbox first, or wait until it is paused.",
    model: "tell_user",
  },
  workspace_changed: {
    kind: "caller",
    status: 409,
    meaning: "The sandbox has changed its workspace since the changes were shown.",
    hint: "Look at `diff()` again, and apply that.",
    model: "correct",
  },
  workspace_conflict: {
    kind: "caller",
    status: 409,
    meaning:
      "Files of a workspace have changed in the sandbox and in its folder; none was written.",
    hint: "`details` names them. `refresh()`, or choose by `onConflict`: `merge`, `overwrite` or `skip`.",
    model: "tell_user",
  },
  workspace_refused: {
    kind: "caller",
    status: 422,
    meaning: "A change of a workspace is none that may be written to its folder; none was.",
    hint: "`details` names it and says why. Leave it out by `paths`, or undo it in the sandbox.",
    model: "tell_user",
  },
  snapshot_damaged: {
    kind: "lost",
    status: 500,
    meaning: "What was kept of a sandbox on disk is damaged or incomplete.",
    hint: "Delete it and make it anew; nothing of it was used.",
    model: "restart",
  },
  snapshot_incompatible: {
    kind: "lost",
    status: 500,
    meaning: "What was kept of a sandbox was saved by another version of the engine.",
    hint: "Resume with `onResume: 'reboot'`, which needs its disk only, or make it anew.",
    model: "restart",
  },
  provider_missing: {
    kind: "environment",
    status: 500,
    meaning: "No provider was given, and the engine on this machine is not installed.",
    hint: "Install `@emberbox/microvm`, or give a `provider`.",
    model: "tell_user",
  },
  qemu_missing: {
    kind: "environment",
    status: 500,
    meaning: "QEMU is not installed, or too old.",
    hint: "Run `emberbox doctor` to see what is missing and how to install it.",
    model: "tell_user",
  },
  tool_missing: {
    kind: "environment",
    status: 500,
    meaning: "A program that this needs is not installed.",
    hint: "Run `emberbox doctor` to see what is missing and how to install it.",
    model: "tell_user",
  },
  image_missing: {
    kind: "environment",
    status: 500,
    meaning: "The guest image has not been built.",
    hint: "Run `emberbox build`.",
    model: "tell_user",
  },
  image_build_failed: {
    kind: "environment",
    status: 500,
    meaning: "Building the guest image failed; nothing was left behind.",
    hint: "The message ends with the builder's last lines. Run `emberbox build` again.",
    model: "tell_user",
  },
  template_build_failed: {
    kind: "caller",
    status: 400,
    meaning:
      "A step of a template's build failed; what was done before it is kept for the next build.",
    hint: "`details` has the command's output and where the step was written. Correct it, and build again.",
    model: "tell_user",
  },
  boot_failed: {
    kind: "environment",
    status: 500,
    meaning: "The virtual machine did not start.",
    hint: "Run `emberbox doctor`; the console's last lines are in the details.",
    model: "tell_user",
  },
  mcp_failed: {
    kind: "caller",
    status: 400,
    meaning: "The gateway to a sandbox's MCP servers did not start.",
    hint: "The message says why: a server whose name is not known, or settings that it does not have.",
    model: "tell_user",
  },
  host_disk_full: {
    kind: "environment",
    status: 507,
    meaning: "This machine's disk is full.",
    hint: "Free some space, or point EMBERBOX_HOME at another disk.",
    model: "tell_user",
  },
  host_out_of_memory: {
    kind: "environment",
    status: 429,
    meaning: "This machine has not enough free memory.",
    hint: "End some sandboxes, or ask for fewer or smaller ones.",
    model: "tell_user",
  },
  service_failed: {
    kind: "internal",
    status: 500,
    meaning: "The service that runs the sandboxes failed.",
    hint: "Try again; the service's own log says why.",
    model: "tell_user",
  },
  events_lost: {
    kind: "limit",
    status: 500,
    meaning: "More changed in a watched directory than could be reported.",
    hint: "List the directory to see what is there now, and watch it again.",
    model: "tell_user",
  },
  audit_failed: {
    kind: "environment",
    status: 500,
    meaning: "What was asked for could not be recorded in the audit log, and was not done.",
    hint: 'Make room for the log, or allow calls without it: `audit: { onFailure: "warn" }`.',
    model: "tell_user",
  },
  connection_failed: {
    kind: "environment",
    status: 500,
    meaning: "The connection to the sandbox failed, or was given up.",
    hint: "Ask `isRunning()` whether the sandbox is still there, then try again.",
    model: "retry",
  },
  protocol_error: {
    kind: "internal",
    status: 500,
    meaning: "The other side did not speak the protocol that was expected.",
    hint: "Check that both sides are of the same version.",
    model: "retry",
  },
};

/** The one of `codes` that an HTTP status stands for. */
export function codeOfStatus(status: number, codes: readonly ErrorCode[]): ErrorCode | undefined {
  return codes.find((code) => errorCodes[code].status === status);
}
