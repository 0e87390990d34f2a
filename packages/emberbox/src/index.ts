// This file is the public API: sandboxes on this machine, with nothing to set up.
export { microvm, type MicrovmOptions } from "@emberbox/microvm";
export { e2b, type E2bOptions, EmberboxError, Execution, Result, Sandbox } from "@emberbox/core";
export {
  Template,
  Volume,
  waitForFile,
  waitForPort,
  waitForProcess,
  waitForTimeout,
  waitForURL,
} from "@emberbox/core";
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
  SandboxConnectOptions,
  SandboxCreateOptions,
  SandboxInfo,
  SandboxMetrics,
  TemplateBuilder,
  VolumeEntry,
  VolumeInfo,
} from "@emberbox/core";
export type { SandboxProvider } from "@emberbox/core/provider";
export type { Workspace, WorkspaceOptions } from "@emberbox/core/workspace";
