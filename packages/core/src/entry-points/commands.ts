// The public API of `@emberbox/core/commands`: what the methods of `sandbox.commands` and `sandbox.pty` take and return.
export type {
  ConnectCommandOptions,
  ProcessInfo,
  StreamCommandOptions,
} from "../commands/commands.ts";
export type { OutputCallback } from "../commands/output.ts";
export type { PtyConnectOptions, PtyCreateOptions, PtySize } from "../commands/pty.ts";
