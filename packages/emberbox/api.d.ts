// index
import { Chart, CodeContext, CommandHandle, CommandResult, ConnectSandboxOptions, CreateSandboxOptions, E2bOptions, EmberboxError, EntryInfo, ErrorCode, Execution, ExecutionError, FileChange, MicrovmOptions, OutputMessage, Result, RunCodeOptions, Sandbox, SandboxInfo, SandboxMetrics, SandboxProvider, e2b, microvm } from "./declarations.js";
export { type Chart, type CodeContext, type CommandHandle, type CommandResult, type ConnectSandboxOptions, type CreateSandboxOptions, type E2bOptions, EmberboxError, type EntryInfo, type ErrorCode, Execution, type ExecutionError, type FileChange, type MicrovmOptions, type OutputMessage, Result, type RunCodeOptions, Sandbox, type SandboxInfo, type SandboxMetrics, type SandboxProvider, e2b, microvm };

// declarations
import { Chart, CodeContext, CommandHandle, CommandResult, ConnectOptions, CreateOptions, E2bOptions, EmberboxError, EntryInfo, ErrorCode, Execution, ExecutionError, FileChange, OutputMessage, ProviderOptions, Result, RunCodeOptions, Sandbox as Sandbox$1, SandboxInfo, SandboxInfo as SandboxInfo$1, SandboxMetrics, SandboxProvider, SnapshotInfo, e2b } from "@emberbox/core";
import { MicrovmOptions, microvm } from "@emberbox/microvm";
export interface CreateSandboxOptions extends CreateOptions, Partial<ProviderOptions> {}
export interface ConnectSandboxOptions extends ConnectOptions, Partial<ProviderOptions> {}
export declare class Sandbox extends Sandbox$1 {
  static create(options?: CreateSandboxOptions): Promise<Sandbox>;
  static create(template: string, options?: CreateSandboxOptions): Promise<Sandbox>;
  static connect(id: string, options?: ConnectSandboxOptions): Promise<Sandbox>;
  static list(options?: Partial<ProviderOptions>): Promise<SandboxInfo$1[]>;
  static kill(id: string, options?: Partial<ProviderOptions>): Promise<boolean>;
  static listSnapshots(options?: Partial<Parameters<typeof Sandbox$1.listSnapshots>[0]>): Promise<SnapshotInfo[]>;
  static deleteSnapshot(id: string, options?: Partial<Parameters<typeof Sandbox$1.deleteSnapshot>[1]>): Promise<boolean>;
}
export { type Chart, type CodeContext, type CommandHandle, type CommandResult, type E2bOptions, EmberboxError, type EntryInfo, type ErrorCode, Execution, type ExecutionError, type FileChange, type MicrovmOptions, type OutputMessage, Result, type RunCodeOptions, type SandboxInfo, type SandboxMetrics, type SandboxProvider, e2b, microvm };
