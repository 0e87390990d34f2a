// index
import { MicrovmOptions, microvm } from "@emberbox/microvm";
import { Chart, CodeContext, CommandHandle, CommandResult, E2bOptions, EmberboxError, EntryInfo, ErrorCode, Execution, ExecutionError, FileChange, OutputMessage, Result, RunCodeOptions, Sandbox, SandboxConnectOptions, SandboxCreateOptions, SandboxInfo, SandboxMetrics, e2b } from "@emberbox/core";
import { SandboxProvider } from "@emberbox/core/provider";
export { type Chart, type CodeContext, type CommandHandle, type CommandResult, type E2bOptions, EmberboxError, type EntryInfo, type ErrorCode, Execution, type ExecutionError, type FileChange, type MicrovmOptions, type OutputMessage, Result, type RunCodeOptions, Sandbox, type SandboxConnectOptions, type SandboxCreateOptions, type SandboxInfo, type SandboxMetrics, type SandboxProvider, e2b, microvm };
