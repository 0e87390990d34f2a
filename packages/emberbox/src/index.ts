// This file is the public API: sandboxes on this machine, with nothing to set up.
export { Sandbox, type CreateSandboxOptions, type ConnectSandboxOptions } from "./sandbox.ts";
export { microvm, type MicrovmOptions } from "@emberbox/microvm";
export { e2b, type E2bOptions, EmberboxError, Execution, Result } from "@emberbox/core";
export type {
  Chart,
  CodeContext,
  CommandHandle,
  CommandResult,
  EntryInfo,
  ErrorCode,
  ExecutionError,
  FileChange,
  OutputMessage,
  RunCodeOptions,
  SandboxInfo,
  SandboxMetrics,
  SandboxProvider,
} from "@emberbox/core";
