// The public API for most programs. What providers and adapters need, and the types of single areas, are in
// `entry-points/`; anything that no entry point exports is internal to this package.
import "./supported-node.ts";

export { Sandbox } from "./sandbox.ts";
export type {
  AuditedOptions,
  SandboxConnectOptions,
  SandboxCreateOptions,
} from "./sandbox-options.ts";
export { Template } from "./template/template.ts";
export type { TemplateFunction } from "./template/template.ts";
export type { TemplateBuilder } from "./template/builder.ts";
export {
  waitForFile,
  waitForPort,
  waitForProcess,
  waitForTimeout,
  waitForURL,
} from "./template/ready.ts";
export { Volume } from "./volume.ts";
export { EmberboxError } from "./errors.ts";
export type { EmberboxErrorOptions } from "./errors.ts";
export { errorCodes } from "./error-codes.ts";
export type { ErrorCode, ErrorKind } from "./error-codes.ts";
export { e2b } from "./e2b/provider.ts";
export type { E2bOptions } from "./e2b/options.ts";
export type { RequestOptions } from "./options.ts";
export { Execution, Result } from "./interpreter/execution.ts";
export type { Chart } from "./interpreter/chart.ts";
export type { FileChange } from "./interpreter/file-change.ts";
export type { ExecutionError } from "./interpreter/execution.ts";
export type { OutputMessage } from "./interpreter/collector.ts";
export type { RunCodeOptions } from "./interpreter/run-code.ts";
export type { CodeContext } from "./interpreter/contexts.ts";
export type { Files } from "./files/files.ts";
export type { FilesystemEvent, WatchHandle } from "./files/watch.ts";
export type { EntryInfo } from "./files/entry.ts";
export type { CommandOptions, Commands } from "./commands/commands.ts";
export type { CommandHandle } from "./commands/handle.ts";
export type { CommandResult } from "./commands/output.ts";
export type { Pty } from "./commands/pty.ts";
export type { SandboxMetrics } from "./health.ts";
export type { VolumeEntry, VolumeInfo } from "./volume-options.ts";
export type { SandboxInfo } from "./provider.ts";
