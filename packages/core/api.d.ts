// audit
import { AuditAsker, AuditDigest, AuditEvent, AuditFields, AuditFindings, AuditOptions, AuditProblem, PassingDigest, RecordedCall, Recorder, askedBy, digestOf, failureOf, readLog, recordCall, recordCreate, recordEnd } from "./declarations.js";
export { type AuditAsker, type AuditDigest, type AuditEvent, type AuditFields, type AuditFindings, type AuditOptions, type AuditProblem, Recorder as AuditRecorder, PassingDigest, type RecordedCall, askedBy, digestOf as auditDigest, failureOf as auditFailure, readLog as readAuditLog, recordCall, recordCreate, recordEnd };

// background
import { background, notifier, warning } from "./declarations.js";
export { background, notifier, warning };

// code
import { CreateCodeContextOptions, ExecutionCallbacks, ExecutionFields, Logs, Truncation, languageName } from "./declarations.js";
export { type CreateCodeContextOptions, type ExecutionCallbacks, type ExecutionFields, type Logs, type Truncation, languageName };

// commands
import { ConnectCommandOptions, OutputCallback, ProcessInfo, PtyConnectOptions, PtyCreateOptions, PtySize, StreamCommandOptions } from "./declarations.js";
export type { ConnectCommandOptions, OutputCallback, ProcessInfo, PtyConnectOptions, PtyCreateOptions, PtySize, StreamCommandOptions };

// concurrency
import { Queue, SharedWork, untilAborted, within } from "./declarations.js";
export { Queue, SharedWork, untilAborted, within };

// envd
import { ENVD_PORT, FileGrant, INTERPRETER_PORT, envdVersion, isAgentPort, isEqual, signFile, userPath } from "./declarations.js";
export { ENVD_PORT, FileGrant, INTERPRETER_PORT, envdVersion, isAgentPort, isEqual, signFile, userPath };

// files
import { DownloadDirOptions, EntryType, FileData, FileOptions, FileUrlOptions, FolderCopy, FolderOptions, FolderProgress, ListOptions, ReadFormat, ReadOptions, UploadDirOptions, WatchCallback, WatchOptions, WriteEntry, WriteInfo, WriteOptions } from "./declarations.js";
export type { DownloadDirOptions, EntryType, FileData, FileOptions, FileUrlOptions, FolderCopy, FolderOptions, FolderProgress, ListOptions, ReadFormat, ReadOptions, UploadDirOptions, WatchCallback, WatchOptions, WriteEntry, WriteInfo, WriteOptions };

// index
import { AuditedOptions, Chart, CodeContext, CommandHandle, CommandOptions, CommandResult, Commands, E2bOptions, EmberboxError, EmberboxErrorOptions, EntryInfo, ErrorCode, ErrorKind, Execution, ExecutionError, FileChange, Files, FilesystemEvent, OutputMessage, Pty, RequestOptions, Result, RunCodeOptions, Sandbox, SandboxConnectOptions, SandboxCreateOptions, SandboxInfo, SandboxMetrics, Template, TemplateBuilder, TemplateFunction, Volume, VolumeEntry, VolumeInfo, WatchHandle, e2b, errorCodes, waitForFile, waitForPort, waitForProcess, waitForTimeout, waitForURL } from "./declarations.js";
export { type AuditedOptions, type Chart, type CodeContext, type CommandHandle, type CommandOptions, type CommandResult, type Commands, type E2bOptions, EmberboxError, type EmberboxErrorOptions, type EntryInfo, type ErrorCode, type ErrorKind, Execution, type ExecutionError, type FileChange, type Files, type FilesystemEvent, type OutputMessage, type Pty, type RequestOptions, Result, type RunCodeOptions, Sandbox, type SandboxConnectOptions, type SandboxCreateOptions, type SandboxInfo, type SandboxMetrics, Template, type TemplateBuilder, type TemplateFunction, Volume, type VolumeEntry, type VolumeInfo, type WatchHandle, e2b, errorCodes, waitForFile, waitForPort, waitForProcess, waitForTimeout, waitForURL };

// mcp
import { CommandMcpServer, GithubMcpServer, McpServers, NpmMcpServer, PypiMcpServer, mcpKindOf, mcpKinds, mcpServers } from "./declarations.js";
export { type CommandMcpServer, type GithubMcpServer, type McpServers, type NpmMcpServer, type PypiMcpServer, mcpKindOf, mcpKinds, mcpServers };

// network
import { EgressProxy, NetworkCeiling, NetworkEvent, NetworkLog, NetworkOptions, NetworkRefusal, NetworkRule, PairMatch, RequestMatch, SandboxSecret, TextMatch } from "./declarations.js";
export type { EgressProxy, NetworkCeiling, NetworkEvent, NetworkLog, NetworkOptions, NetworkRefusal, NetworkRule, PairMatch, RequestMatch, SandboxSecret, TextMatch };

// options
import { FieldsOf, auditSchema, parseOptions, sharedOptions } from "./declarations.js";
export { type FieldsOf, auditSchema, parseOptions, sharedOptions };

// provider
import { Capabilities, ConnectOptions, CreateOptions, CreateVolumeOptions, Endpoint, EndpointOptions, ListVolumeOptions, PrepareOptions, ProviderBranchOptions, ProviderOptions, SandboxConnection, SandboxProvider, SignalOptions, TemplateInfo, VolumeFiles, VolumeMetadata, VolumeWriteOptions, checkedProvider, templatesOf } from "./declarations.js";
export { type Capabilities, type ConnectOptions, type CreateOptions, type CreateVolumeOptions, type Endpoint, type EndpointOptions, type ListVolumeOptions, type PrepareOptions, type ProviderBranchOptions, type ProviderOptions, type SandboxConnection, type SandboxProvider, type SignalOptions, type TemplateInfo, type VolumeFiles, type VolumeMetadata, type VolumeWriteOptions, checkedProvider, templatesOf };

// state
import { BranchOptions, CheckpointChanges, CheckpointInfo, CheckpointKeep, CheckpointOptions, FileDifference, ForkOptions, Lifecycle, ListSnapshotsOptions, PauseOptions, RollbackResult, SnapshotInfo, SnapshotOptions, VariableDifference } from "./declarations.js";
export type { BranchOptions, CheckpointChanges, CheckpointInfo, CheckpointKeep, CheckpointOptions, FileDifference, ForkOptions, Lifecycle, ListSnapshotsOptions, PauseOptions, RollbackResult, SnapshotInfo, SnapshotOptions, VariableDifference };

// template
import { BuildTemplateOptions, BuiltTemplate, CopyEntry, DEFAULT_TAG, ImageSource, TemplateLog, TemplateRequest, TemplateStep, TemplateTag, USUAL_PATH, quote, resolveTemplate } from "./declarations.js";
export { type BuildTemplateOptions, type BuiltTemplate, type CopyEntry, DEFAULT_TAG, type ImageSource, type TemplateLog, type TemplateRequest, type TemplateStep, type TemplateTag, USUAL_PATH, quote, resolveTemplate };

// terminal
import { TerminalText, oneLine, plainText, safeJson, styledText } from "./declarations.js";
export { TerminalText, oneLine, plainText, safeJson, styledText };

// tools
import { AcquireOptions, BashInput, BoundedText, CallCheckpoints, CallNote, CheckpointAnswer, CheckpointTool, ConversationPlace, CopyOptions, EditedBytes, Failure, JsonSchema, LocalShellInput, NativeTools, PatchOperation, PatchResult, PictureLimits, ResolvedSource, SandboxCall, SandboxCallOptions, SandboxFacts, SandboxLease, SandboxPosition, SandboxSessions, SandboxSessionsOptions, SandboxSource, SandboxTool, SandboxTools, SessionCreateOptions, ShellInput, ShellOutput, ShellResult, SmallerPicture, SmallerPictureOptions, TextEditorInput, ToolContext, ToolData, ToolEntry, ToolFile, ToolInputs, ToolLimits, ToolName, ToolOptions, ToolOutput, ToolPicture, ToolProgress, ToolResult, ToolTable, Trail, TrailOptions, Truncated, applyDiff, asOnTerminal, callCheckpoints, callSandbox, commonLimits, copyAt, createCheckpointTools, createSandboxTools, editBytes, explainFailure, factsOf, isShowable, keepOf, killCommand, laterPosition, mimeType, mustMakeCheckpoints, parsePosition, pictureDataUrl, pictureProblem, pictureType, providerLimits, putAt, queueOf, resolveSource, resolveToolOptions, runToEnd, shareQueue, shellExitCode, smallerPicture, toolOutputSchema, truncate, withoutRefused } from "./declarations.js";
export { type AcquireOptions, type BashInput, BoundedText, type CallCheckpoints, type CallNote, type CheckpointAnswer, type CheckpointTool, type ConversationPlace, type CopyOptions, type EditedBytes, type Failure, type JsonSchema, type LocalShellInput, NativeTools, type PatchOperation, type PatchResult, type PictureLimits, type ResolvedSource, type SandboxCall, type SandboxCallOptions, type SandboxFacts, type SandboxLease, type SandboxPosition, SandboxSessions, type SandboxSessionsOptions, type SandboxSource, type SandboxTool, SandboxTools, type SessionCreateOptions, type ShellInput, type ShellOutput, type ShellResult, type SmallerPicture, type SmallerPictureOptions, type TextEditorInput, type ToolContext, type ToolData, type ToolEntry, type ToolFile, type ToolInputs, type ToolLimits, type ToolName, type ToolOptions, type ToolOutput, type ToolPicture, type ToolProgress, type ToolResult, type ToolTable, Trail, type TrailOptions, type Truncated, applyDiff, asOnTerminal, callCheckpoints, callSandbox, commonLimits, copyAt, createCheckpointTools, createSandboxTools, editBytes, explainFailure, factsOf, isShowable, keepOf, killCommand, laterPosition, mimeType, mustMakeCheckpoints, parsePosition, pictureDataUrl, pictureProblem, pictureType, providerLimits, putAt, queueOf, resolveSource, resolveToolOptions, runToEnd, shareQueue, shellExitCode, smallerPicture, toolOutputSchema, truncate, withoutRefused };

// workspace
import { Baseline, BaselineEntry, DiffHunk, FileDiff, GuestChanges, GuestEntry, LeftOut, Workspace, WorkspaceApplied, WorkspaceApplyOptions, WorkspaceCallOptions, WorkspaceChange, WorkspaceChanges, WorkspaceDiff, WorkspaceDiffOptions, WorkspaceInfo, WorkspaceMode, WorkspaceMount, WorkspaceOptions, WorkspaceRefreshed, WorkspaceState, findIgnored } from "./declarations.js";
export { type Baseline, type BaselineEntry, type DiffHunk, type FileDiff, type GuestChanges, type GuestEntry, type LeftOut, type Workspace, type WorkspaceApplied, type WorkspaceApplyOptions, type WorkspaceCallOptions, type WorkspaceChange, type WorkspaceChanges, type WorkspaceDiff, type WorkspaceDiffOptions, type WorkspaceInfo, type WorkspaceMode, type WorkspaceMount, type WorkspaceOptions, type WorkspaceRefreshed, type WorkspaceState, findIgnored };

// declarations
import { z } from "zod";
import { Dispatcher } from "undici";
export declare function parseOptions<Shape extends z.ZodRawShape>(schema: z.ZodObject<Shape>, options: unknown): z.output<z.ZodObject<Shape>>;
export type FieldsOf<Options> = { readonly [Name in keyof Options]-?: z.ZodType<Options[Name]>; };
export interface RequestOptions {
  readonly requestTimeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}
export interface CheckpointInfo {
  readonly checkpointId: string;
  readonly sandboxId: string;
  readonly parentId?: string | undefined;
  readonly label?: string | undefined;
  readonly by?: string | undefined;
  readonly createdAt: Date;
  readonly sizeBytes?: number | undefined;
  readonly unchanged?: boolean | undefined;
  readonly current?: boolean | undefined;
  readonly damaged?: boolean | undefined;
}
export interface CheckpointKeep {
  readonly last?: number | undefined;
  readonly bytes?: number | undefined;
}
export interface CheckpointOptions extends Pick<RequestOptions, "signal"> {
  readonly label?: string | undefined;
  readonly by?: string | undefined;
  readonly keep?: CheckpointKeep | undefined;
}
export interface BranchOptions extends Pick<RequestOptions, "signal"> {
  readonly count?: number | undefined;
  readonly timeoutMs?: number | undefined;
}
export interface ProviderBranchOptions extends BranchOptions {
  readonly network?: false | undefined;
}
export interface FileDifference {
  readonly path: string;
  readonly change: "added" | "changed" | "removed";
  readonly sizeBefore?: number | undefined;
  readonly sizeAfter?: number | undefined;
}
export interface VariableDifference {
  readonly name: string;
  readonly change: "added" | "changed" | "removed";
  readonly before?: {
    readonly type: string;
    readonly text: string;
  } | undefined;
  readonly after?: {
    readonly type: string;
    readonly text: string;
  } | undefined;
}
export interface CheckpointChanges {
  readonly files: readonly FileDifference[];
  readonly variables?: readonly VariableDifference[] | undefined;
  readonly truncated: boolean;
}
export type ErrorCode = "invalid_argument" | "invalid_path" | "unsupported" | "unauthorized" | "rate_limited" | "file_not_found" | "file_exists" | "file_too_large" | "permission_denied" | "disk_full" | "process_not_found" | "context_not_found" | "unknown_language" | "timeout" | "out_of_memory" | "sandbox_not_found" | "sandbox_died" | "sandbox_closed" | "sandbox_paused" | "rolled_back" | "checkpoint_not_found" | "unknown_template" | "volume_not_found" | "volume_exists" | "volume_in_use" | "workspace_changed" | "workspace_conflict" | "workspace_refused" | "snapshot_damaged" | "snapshot_incompatible" | "provider_missing" | "qemu_missing" | "tool_missing" | "image_missing" | "image_build_failed" | "template_build_failed" | "boot_failed" | "mcp_failed" | "host_disk_full" | "host_out_of_memory" | "service_failed" | "events_lost" | "audit_failed" | "connection_failed" | "protocol_error";
export type ErrorKind =
"caller" |
"limit" |
"lost" |
"unsupported" |
"environment" |
"internal";
interface ErrorFacts {
  readonly kind: ErrorKind;
  readonly status: number;
  readonly meaning: string;
  readonly hint: string;
  readonly model: "correct" | "retry" | "restart" | "tell_user";
  readonly modelText?: string;
}
export declare const errorCodes: Readonly<Record<ErrorCode, ErrorFacts>>;
export interface EmberboxErrorOptions {
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
  readonly hint?: string;
}
export declare class EmberboxError extends Error {
  readonly name: string;
  readonly code: ErrorCode;
  readonly kind: ErrorKind;
  readonly hint: string;
  readonly details: Readonly<Record<string, unknown>>;
  constructor(code: ErrorCode, message: string, options?: EmberboxErrorOptions);
  static isInstance(value: unknown): value is EmberboxError;
}
export type OutputCallback<Data = string> = (data: Data) => unknown;
export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly error?: string;
  readonly truncated?: {
    readonly stdoutBytes?: number;
    readonly stderrBytes?: number;
  };
}
export declare class CommandHandle {
  #private;
  readonly pid: number;
  get stdout(): string;
  get stderr(): string;
  wait(): Promise<CommandResult>;
  kill(options?: RequestOptions): Promise<boolean>;
  disconnect(): Promise<void>;
  sendStdin(data: string | Uint8Array, options?: RequestOptions): Promise<void>;
  closeStdin(options?: RequestOptions): Promise<void>;
}
export interface CommandOptions extends RequestOptions {
  readonly background?: boolean | undefined;
  readonly cwd?: string | undefined;
  readonly user?: string | undefined;
  readonly envs?: Readonly<Record<string, string>> | undefined;
  readonly stdin?: boolean | undefined;
  readonly onStdout?: OutputCallback | undefined;
  readonly onStderr?: OutputCallback | undefined;
  readonly timeoutMs?: number | undefined;
}
export interface StreamCommandOptions extends Omit<CommandOptions, "background" | "onStdout" | "onStderr"> {
  readonly onStdout?: OutputCallback<Uint8Array> | undefined;
  readonly onStderr?: OutputCallback<Uint8Array> | undefined;
  readonly timeoutMs?: number | undefined;
}
export interface ConnectCommandOptions extends RequestOptions {
  readonly onStdout?: OutputCallback | undefined;
  readonly onStderr?: OutputCallback | undefined;
  readonly timeoutMs?: number | undefined;
}
export interface ProcessInfo {
  readonly pid: number;
  readonly tag: string | undefined;
  readonly cmd: string;
  readonly args: readonly string[];
  readonly envs: Readonly<Record<string, string>>;
  readonly cwd: string | undefined;
}
export declare class Commands {
  #private;
  run(cmd: string, options?: CommandOptions & {
    readonly background?: false | undefined;
  }): Promise<CommandResult>;
  run(cmd: string, options: CommandOptions & {
    readonly background: true;
  }): Promise<CommandHandle>;
  run(cmd: string, options?: CommandOptions): Promise<CommandResult | CommandHandle>;
  stream(cmd: string, options?: StreamCommandOptions): Promise<CommandHandle>;
  connect(pid: number, options?: ConnectCommandOptions): Promise<CommandHandle>;
  list(options?: RequestOptions): Promise<ProcessInfo[]>;
  kill(pid: number, options?: RequestOptions): Promise<boolean>;
  sendStdin(pid: number, data: string | Uint8Array, options?: RequestOptions): Promise<void>;
  closeStdin(pid: number, options?: RequestOptions): Promise<void>;
}
export interface PtySize {
  readonly cols: number;
  readonly rows: number;
}
export interface PtyConnectOptions extends RequestOptions {
  readonly onData: OutputCallback<Uint8Array>;
  readonly timeoutMs?: number | undefined;
}
export interface PtyCreateOptions extends PtyConnectOptions, PtySize {
  readonly cmd?: string | undefined;
  readonly cwd?: string | undefined;
  readonly envs?: Readonly<Record<string, string>> | undefined;
  readonly user?: string | undefined;
}
export declare class Pty {
  #private;
  create(options: PtyCreateOptions): Promise<CommandHandle>;
  connect(pid: number, options: PtyConnectOptions): Promise<CommandHandle>;
  sendInput(pid: number, data: string | Uint8Array, options?: RequestOptions): Promise<void>;
  resize(pid: number, size: PtySize, options?: RequestOptions): Promise<void>;
  kill(pid: number, options?: RequestOptions): Promise<boolean>;
}
export type EntryType = "file" | "dir" | "symlink";
export interface EntryInfo {
  readonly name: string;
  readonly type: EntryType | undefined;
  readonly path: string;
  readonly size: number;
  readonly mode: number;
  readonly permissions: string;
  readonly owner: string;
  readonly group: string;
  readonly modifiedTime: Date | undefined;
  readonly symlinkTarget: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
}
export interface WriteInfo {
  readonly name: string;
  readonly type: EntryType | undefined;
  readonly path: string;
}
export interface NpmMcpServer {
  readonly npm: string;
  readonly args?: readonly string[] | undefined;
  readonly envs?: Readonly<Record<string, string>> | undefined;
}
export interface PypiMcpServer {
  readonly pypi: string;
  readonly args?: readonly string[] | undefined;
  readonly envs?: Readonly<Record<string, string>> | undefined;
}
export interface GithubMcpServer {
  readonly runCmd: string;
  readonly installCmd?: string | undefined;
  readonly envs?: Readonly<Record<string, string>> | undefined;
}
export interface CommandMcpServer {
  readonly command: string;
  readonly args?: readonly string[] | undefined;
  readonly envs?: Readonly<Record<string, string>> | undefined;
  readonly cwd?: string | undefined;
}
export interface McpServers {
  readonly brave?: {
    readonly apiKey: string;
  } | undefined;
  readonly everything?: Readonly<Record<string, never>> | undefined;
  readonly fetch?: Readonly<Record<string, never>> | undefined;
  readonly filesystem?: {
    readonly paths: readonly string[];
  } | undefined;
  readonly github?: {
    readonly personalAccessToken: string;
  } | undefined;
  readonly gitlab?: {
    readonly personalAccessToken: string;
    readonly url: string;
  } | undefined;
  readonly googleMaps?: {
    readonly googleMapsApiKey: string;
  } | undefined;
  readonly memory?: Readonly<Record<string, never>> | undefined;
  readonly sequentialthinking?: Readonly<Record<string, never>> | undefined;
  readonly time?: Readonly<Record<string, never>> | undefined;
  readonly [name: string]: NpmMcpServer | PypiMcpServer | GithubMcpServer | CommandMcpServer | Readonly<Record<string, unknown>> | undefined;
}
export declare const mcpKinds: {
  readonly npm: z.ZodType<NpmMcpServer>;
  readonly pypi: z.ZodType<PypiMcpServer>;
  readonly command: z.ZodType<CommandMcpServer>;
  readonly runCmd: z.ZodType<GithubMcpServer>;
};
type Kind = keyof typeof mcpKinds;
export declare function mcpKindOf(server: object): Kind | undefined;
export declare const mcpServers: z.ZodType<McpServers>;
export interface CopyEntry {
  readonly path: string;
  readonly type: "file" | "directory" | "symlink";
  readonly mode: number;
  readonly source?: string | undefined;
  readonly target?: string | undefined;
}
export type TemplateStep = {
  readonly origin?: string | undefined;
} & ({
  readonly type: "RUN";
  readonly command: string;
  readonly user?: string | undefined;
} | {
  readonly type: "COPY";
  readonly dest: string;
  readonly entries: readonly CopyEntry[];
  readonly digest: string;
  readonly user?: string | undefined;
  readonly mode?: number | undefined;
} | {
  readonly type: "UNPACK";
  readonly dest: string;
  readonly archive: string;
  readonly src: string;
  readonly digest: string;
  readonly user?: string | undefined;
  readonly mode?: number | undefined;
} | {
  readonly type: "ENV";
  readonly envs: Readonly<Record<string, string>>;
} | {
  readonly type: "WORKDIR";
  readonly path: string;
} | {
  readonly type: "USER";
  readonly user: string;
});
export interface ImageSource {
  readonly image: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}
export interface TemplateRequest {
  readonly from: string | ImageSource;
  readonly steps: readonly TemplateStep[];
  readonly freshFrom?: number | undefined;
  readonly startCommand?: string | undefined;
  readonly readyCommand?: string | undefined;
}
export type TemplateLog =
{
  readonly type: "step";
  readonly step: number;
  readonly steps: number;
  readonly text: string;
  readonly isCached: boolean;
} |
{
  readonly type: "output";
  readonly stream: "stdout" | "stderr";
  readonly text: string;
} |
{
  readonly type: "progress";
  readonly text: string;
};
export interface BuiltTemplate {
  readonly name: string;
  readonly tags: readonly string[];
  readonly buildId: string;
  readonly createdAt: Date;
  readonly memoryMB: number;
  readonly cpuCount: number;
  readonly sizeBytes?: number | undefined;
}
export interface TemplateTag {
  readonly tag: string;
  readonly buildId: string;
  readonly createdAt: Date;
}
export declare const DEFAULT_TAG = "default";
export interface VolumeInfo {
  readonly volumeId: string;
  readonly name: string;
  readonly createdAt?: Date | undefined;
  readonly sizeMB?: number | undefined;
}
export interface CreateVolumeOptions {
  readonly sizeMB?: number | undefined;
}
export interface VolumeEntry {
  readonly name: string;
  readonly type: "file" | "directory" | "symlink" | "unknown";
  readonly path: string;
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly atime: Date;
  readonly mtime: Date;
  readonly ctime: Date;
  readonly target?: string | undefined;
}
export interface VolumeMetadata {
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  readonly mode?: number | undefined;
}
export interface ListVolumeOptions {
  readonly depth?: number | undefined;
}
export interface VolumeWriteOptions extends VolumeMetadata, Pick<RequestOptions, "signal"> {
  readonly force?: boolean | undefined;
}
export interface VolumeFiles {
  list(path: string, options?: ListVolumeOptions): Promise<VolumeEntry[]>;
  makeDir(path: string, options?: VolumeWriteOptions): Promise<VolumeEntry>;
  getInfo(path: string): Promise<VolumeEntry>;
  updateMetadata(path: string, metadata: VolumeMetadata): Promise<VolumeEntry>;
  readFile(path: string, options?: Pick<RequestOptions, "signal">): Promise<ReadableStream<Uint8Array>>;
  writeFile(path: string, data: AsyncIterable<Uint8Array>, options?: VolumeWriteOptions): Promise<VolumeEntry>;
  remove(path: string): Promise<void>;
}
declare const volumeMountsSchema: z.ZodType<Readonly<Record<string, string>> | undefined>;
export type WorkspaceMode = "review" | "readonly" | "live";
export interface WorkspaceOptions {
  readonly host: string;
  readonly guest?: string | undefined;
  readonly mode?: WorkspaceMode | undefined;
  readonly ignore?: readonly string[] | undefined;
  readonly gitignore?: boolean | undefined;
  readonly secrets?: boolean | undefined;
}
export interface BaselineEntry {
  readonly path: string;
  readonly type: "file" | "directory" | "symlink";
  readonly mode: number;
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs?: number | undefined;
  readonly target?: string | undefined;
  readonly digest?: string | undefined;
  readonly hardLinkOf?: string | undefined;
}
export interface Baseline {
  readonly entries: readonly BaselineEntry[];
  readonly digest: string;
}
export interface WorkspaceMount {
  readonly host: string;
  readonly guest: string;
  readonly mode: WorkspaceMode;
  readonly baseline: Baseline;
  readonly isIgnored: (path: string, isDirectory: boolean) => boolean;
  readonly options?: WorkspaceInfo["options"];
}
export interface WorkspaceInfo {
  readonly host: string;
  readonly guest: string;
  readonly mode: WorkspaceMode;
  readonly baseline: string;
  readonly synced?: string | undefined;
  readonly isForeign?: true | undefined;
  readonly options?: Pick<WorkspaceOptions, "ignore" | "gitignore" | "secrets"> | undefined;
}
export interface Capabilities {
  readonly setTimeout: boolean;
  readonly pause: boolean;
  readonly snapshots: boolean;
  readonly fork: boolean;
  readonly checkpoints?: boolean | undefined;
  readonly network: boolean;
  readonly updateNetwork: boolean;
  readonly requestRules?: boolean | undefined;
  readonly egressProxy?: boolean | undefined;
  readonly templates?: boolean | undefined;
  readonly volumes?: boolean | undefined;
  readonly networkCeiling?: boolean | undefined;
  readonly tlsEndpoints?: boolean | undefined;
  readonly mcp?: boolean | undefined;
  readonly workspaces?: readonly WorkspaceMode[] | undefined;
  readonly pausedTtl?: boolean | undefined;
}
export interface Lifecycle {
  readonly onTimeout?: "kill" | "pause" | undefined;
  readonly keepMemory?: boolean | undefined;
  readonly autoResume?: boolean | undefined;
  readonly pausedTtlMs?: number | false | undefined;
}
export interface NetworkOptions {
  readonly allowOut?: readonly string[] | undefined;
  readonly denyOut?: readonly string[] | undefined;
  readonly rules?: Readonly<Record<string, readonly NetworkRule[]>> | undefined;
  readonly allowPublicTraffic?: boolean | undefined;
  readonly maskRequestHost?: string | undefined;
  readonly egressProxy?: EgressProxy | undefined;
}
export interface EgressProxy {
  readonly address: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}
export type NetworkCeiling = boolean | Pick<NetworkOptions, "allowOut" | "denyOut">;
export type TextMatch = {
  readonly exact: string;
} | {
  readonly startsWith: string;
};
export interface PairMatch {
  readonly name?: TextMatch | undefined;
  readonly value?: TextMatch | undefined;
}
export interface RequestMatch {
  readonly path?: TextMatch | undefined;
  readonly methods?: readonly string[] | undefined;
  readonly query?: readonly PairMatch[] | undefined;
  readonly headers?: readonly PairMatch[] | undefined;
}
export interface NetworkRule {
  readonly match?: RequestMatch | undefined;
  readonly transform: {
    readonly headers: Readonly<Record<string, string>>;
  };
}
export interface SandboxSecret {
  readonly value: string;
  readonly hosts: readonly string[];
}
export interface NetworkEvent {
  readonly sandboxId: string;
  readonly time: Date;
  readonly decision: "allowed" | "refused";
  readonly host: string;
  readonly port?: number | undefined;
  readonly address?: string | undefined;
  readonly reason?: string | undefined;
}
export interface NetworkLog {
  readonly allowed: number;
  readonly refused: number;
  readonly open: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly refusals: readonly NetworkRefusal[];
}
export interface NetworkRefusal {
  readonly host: string;
  readonly port?: number | undefined;
  readonly reason: string;
  readonly count: number;
  readonly lastAt: Date;
}
export interface CreateOptions {
  readonly template?: string | undefined;
  readonly memoryMB?: number | undefined;
  readonly cpuCount?: number | undefined;
  readonly diskMB?: number | undefined;
  readonly envs?: Readonly<Record<string, string>> | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly timeoutMs?: number | undefined;
  readonly lifecycle?: Lifecycle | undefined;
  readonly network?: boolean | NetworkOptions | undefined;
  readonly networkCeiling?: NetworkCeiling | undefined;
  readonly secrets?: Readonly<Record<string, SandboxSecret>> | undefined;
  readonly volumeMounts?: Readonly<Record<string, string>> | undefined;
  readonly workspaces?: readonly WorkspaceMount[] | undefined;
  readonly onNetwork?: ((event: NetworkEvent) => void) | undefined;
  readonly mcp?: McpServers | undefined;
  readonly signal?: AbortSignal | undefined;
}
export interface ConnectOptions {
  readonly timeoutMs?: number | undefined;
  readonly onResume?: "restore" | "reboot" | undefined;
  readonly networkCeiling?: NetworkCeiling | undefined;
  readonly signal?: AbortSignal | undefined;
}
export interface SandboxInfo {
  readonly sandboxId: string;
  readonly template: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly startedAt: Date;
  readonly endAt: Date;
  readonly cpuCount: number;
  readonly memoryMB: number;
  readonly diskMB: number;
  readonly state: "running" | "paused";
  readonly sizeBytes?: number | undefined;
  readonly expiresAt?: Date | undefined;
  readonly lifecycle?: Lifecycle | undefined;
  readonly volumeMounts?: Readonly<Record<string, string>> | undefined;
  readonly workspaces?: readonly WorkspaceInfo[] | undefined;
  readonly network?: boolean | Omit<NetworkOptions, "rules"> | undefined;
}
export interface TemplateInfo {
  readonly name: string;
  readonly languages: readonly string[];
  readonly libraries: Readonly<Record<string, readonly string[]>>;
  readonly system?: string | undefined;
  readonly notes?: string | undefined;
}
export interface SnapshotInfo {
  readonly snapshotId: string;
  readonly names: readonly string[];
  readonly sandboxId?: string | undefined;
  readonly createdAt: Date;
  readonly sizeBytes?: number | undefined;
}
export interface RollbackResult {
  readonly checkpoint: CheckpointInfo;
  readonly network?: NetworkLog | undefined;
  readonly undone: readonly CheckpointInfo[];
}
export interface SignalOptions {
  readonly signal?: AbortSignal | undefined;
}
export interface Endpoint {
  readonly origin: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly dispatcher: Dispatcher;
}
export interface EndpointOptions {
  readonly tls?: boolean | undefined;
}
export interface SandboxConnection {
  readonly sandboxId: string;
  readonly accessToken?: string | undefined;
  readonly trafficAccessToken?: string | undefined;
  ready?(): Promise<void>;
  endpoint(port: number, options?: EndpointOptions): Endpoint;
  url?(port: number): Promise<string>;
  gone(): Error | undefined;
  readonly ended?: AbortSignal | undefined;
  present?(): AbortSignal;
}
export type PrepareOptions = Pick<CreateOptions, "template" | "memoryMB" | "cpuCount" | "networkCeiling" | "signal">;
export interface BuildTemplateOptions {
  readonly name: string;
  readonly tags?: readonly string[] | undefined;
  readonly memoryMB?: number | undefined;
  readonly cpuCount?: number | undefined;
  readonly minFreeDiskMB?: number | undefined;
  readonly network?: boolean | NetworkOptions | undefined;
  readonly networkCeiling?: NetworkCeiling | undefined;
  readonly onBuildLogs?: ((log: TemplateLog) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}
export interface SandboxProvider extends AsyncDisposable {
  readonly name: string;
  readonly capabilities: Readonly<Capabilities>;
  templates?(): readonly TemplateInfo[];
  templateSizes?(): Promise<Readonly<Record<string, number>>>;
  prepare?(options?: PrepareOptions): Promise<void>;
  create(options: CreateOptions): Promise<SandboxConnection>;
  connect(sandboxId: string, options?: ConnectOptions): Promise<SandboxConnection>;
  list(): Promise<SandboxInfo[]>;
  getInfo(sandboxId: string): Promise<SandboxInfo>;
  kill(sandboxId: string): Promise<boolean>;
  setTimeout?(sandboxId: string, timeoutMs: number): Promise<void>;
  pause?(sandboxId: string, options?: SignalOptions & {
    readonly keepMemory?: boolean | undefined;
  }): Promise<boolean>;
  createSnapshot?(sandboxId: string, options?: SignalOptions & {
    readonly name?: string | undefined;
  }): Promise<SnapshotInfo>;
  listSnapshots?(options?: SignalOptions & {
    readonly sandboxId?: string | undefined;
    readonly name?: string | undefined;
  }): Promise<SnapshotInfo[]>;
  deleteSnapshot?(snapshotId: string, options?: SignalOptions): Promise<boolean>;
  fork?(sandboxId: string, options?: SignalOptions & {
    readonly count?: number | undefined;
    readonly timeoutMs?: number | undefined;
  }): Promise<(SandboxConnection | EmberboxError)[]>;
  createCheckpoint?(sandboxId: string, options?: CheckpointOptions): Promise<CheckpointInfo>;
  listCheckpoints?(sandboxId: string, options?: SignalOptions): Promise<CheckpointInfo[]>;
  deleteCheckpoint?(sandboxId: string, checkpointId: string, options?: SignalOptions): Promise<boolean>;
  rollback?(sandboxId: string, checkpointId: string, options?: SignalOptions): Promise<RollbackResult>;
  branch?(sandboxId: string, checkpointId: string, options?: ProviderBranchOptions): Promise<(SandboxConnection | EmberboxError)[]>;
  updateNetwork?(sandboxId: string, network: boolean | NetworkOptions): Promise<void>;
  getNetworkLog?(sandboxId: string): Promise<NetworkLog>;
  addressesOf?(host: string, ceiling: NetworkCeiling): Promise<readonly string[]>;
  buildTemplate?(request: TemplateRequest, options: BuildTemplateOptions): Promise<BuiltTemplate>;
  listTemplates?(options?: SignalOptions): Promise<BuiltTemplate[]>;
  deleteTemplate?(name: string, options?: SignalOptions): Promise<boolean>;
  tagTemplate?(name: string, tags: readonly string[], options?: SignalOptions): Promise<BuiltTemplate>;
  untagTemplate?(name: string, tags: readonly string[], options?: SignalOptions): Promise<boolean>;
  listTemplateTags?(name: string, options?: SignalOptions): Promise<TemplateTag[]>;
  createVolume?(name: string, options?: CreateVolumeOptions): Promise<VolumeInfo>;
  listVolumes?(): Promise<VolumeInfo[]>;
  getVolume?(volumeId: string): Promise<VolumeInfo>;
  deleteVolume?(volumeId: string): Promise<boolean>;
  volumeFiles?(volumeId: string): VolumeFiles;
  workspaceBaseline?(digest: string): Promise<Baseline | undefined>;
  setWorkspaceSynced?(sandboxId: string, guest: string, synced: Baseline): Promise<void>;
}
export type ReadFormat = "text" | "bytes" | "blob" | "stream";
export interface FileOptions extends RequestOptions {
  readonly user?: string | undefined;
}
export interface ReadOptions<Format extends ReadFormat = ReadFormat> extends FileOptions {
  readonly format?: Format | undefined;
}
export interface FolderProgress {
  readonly files: number;
  readonly bytes: number;
  readonly totalBytes?: number;
}
export interface FolderOptions extends FileOptions {
  readonly ignore?: readonly string[] | undefined;
  readonly onProgress?: ((progress: FolderProgress) => unknown) | undefined;
}
export interface UploadDirOptions extends FolderOptions {
  readonly existing?: "refuse" | "replace" | "merge" | undefined;
}
export interface DownloadDirOptions extends FolderOptions {
  readonly existing?: "refuse" | "replace" | undefined;
  readonly maxBytes?: number | undefined;
  readonly maxEntries?: number | undefined;
  readonly skipUnsafe?: boolean | undefined;
}
export interface FolderCopy {
  readonly files: number;
  readonly bytes: number;
  readonly skipped: readonly string[];
}
export interface FilesystemEvent {
  readonly type: "create" | "write" | "remove" | "rename" | "chmod";
  readonly name: string;
  readonly entry?: EntryInfo;
}
export interface WatchOptions extends FileOptions {
  readonly recursive?: boolean | undefined;
  readonly includeEntry?: boolean | undefined;
  readonly timeoutMs?: number | undefined;
  readonly onExit?: ((error?: Error) => unknown) | undefined;
}
export type WatchCallback = (event: FilesystemEvent) => unknown;
export declare class WatchHandle implements AsyncDisposable {
  #private;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
export type FileData = string | ArrayBuffer | Uint8Array | Blob | ReadableStream<Uint8Array>;
export interface WriteEntry {
  readonly path: string;
  readonly data: FileData;
}
export interface WriteOptions extends FileOptions {
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}
export interface ListOptions extends FileOptions {
  readonly depth?: number | undefined;
}
export declare class Files {
  #private;
  read(path: string, options?: ReadOptions<"text">): Promise<string>;
  read(path: string, options: ReadOptions<"bytes"> & {
    format: "bytes";
  }): Promise<Uint8Array>;
  read(path: string, options: ReadOptions<"blob"> & {
    format: "blob";
  }): Promise<Blob>;
  read(path: string, options: ReadOptions<"stream"> & {
    format: "stream";
  }): Promise<ReadableStream<Uint8Array>>;
  read(paths: readonly string[], options?: ReadOptions<"text">): Promise<string[]>;
  read(paths: readonly string[], options: ReadOptions<"bytes"> & {
    format: "bytes";
  }): Promise<Uint8Array[]>;
  write(path: string, data: FileData, options?: WriteOptions): Promise<WriteInfo>;
  write(files: readonly WriteEntry[], options?: WriteOptions): Promise<WriteInfo[]>;
  uploadDir(hostDir: string, guestDir: string, options?: UploadDirOptions): Promise<FolderCopy>;
  downloadDir(guestDir: string, hostDir: string, options?: DownloadDirOptions): Promise<FolderCopy>;
  list(path: string, options?: ListOptions): Promise<EntryInfo[]>;
  makeDir(path: string, options?: FileOptions): Promise<boolean>;
  rename(from: string, to: string, options?: FileOptions): Promise<EntryInfo>;
  remove(path: string, options?: FileOptions): Promise<void>;
  exists(path: string, options?: FileOptions): Promise<boolean>;
  getInfo(path: string, options?: FileOptions): Promise<EntryInfo>;
  watchDir(path: string, onEvent: WatchCallback, options?: WatchOptions): Promise<WatchHandle>;
}
export declare const ENVD_PORT = 49983;
export declare const INTERPRETER_PORT = 49999;
export declare const isAgentPort: (port: number) => boolean;
export declare const envdVersion = "0.6.4";
export declare function userPath(user: string, path: "/execute" | "/contexts"): string;
export interface FileGrant {
  readonly path: string;
  readonly operation: "read" | "write";
  readonly user: string;
  readonly expiration: string | null;
}
export declare function signFile({ path, operation, user, expiration }: FileGrant, token: string): string;
export declare function isEqual(given: string, expected: string): boolean;
export interface FileUrlOptions {
  readonly useSignatureExpiration?: number | undefined;
  readonly user?: string | undefined;
}
export interface SandboxMetrics {
  readonly timestamp: Date;
  readonly cpuUsedPct: number;
  readonly cpuCount: number;
  readonly memUsed: number;
  readonly memTotal: number;
  readonly memCache: number;
  readonly diskUsed: number;
  readonly diskTotal: number;
}
export interface CodeContext {
  readonly id: string;
  readonly language: string;
  readonly cwd: string;
  readonly user?: string | undefined;
}
export interface CreateCodeContextOptions extends RequestOptions {
  readonly requestTimeoutMs?: number | undefined;
  readonly language?: string | undefined;
  readonly cwd?: string | undefined;
  readonly user?: string | undefined;
}
type ChartScale = "linear" | "log" | "symlog" | "logit" | "asinh" | "function" | "functionlog" | "datetime" | "categorical" | (string & {});
type ChartValue = number | string | null;
interface ChartBase<Type extends string, Element> {
  readonly type: Type;
  readonly title?: string | undefined;
  readonly elements: readonly Element[];
  readonly total_elements?: number | undefined;
}
interface Chart2D<Type extends string, Element> extends ChartBase<Type, Element> {
  readonly x_label?: string | undefined;
  readonly y_label?: string | undefined;
  readonly x_unit?: string | undefined;
  readonly y_unit?: string | undefined;
}
interface PointData {
  readonly label: string;
  readonly points: readonly (readonly [ChartValue, ChartValue])[];
  readonly total_points?: number | undefined;
}
interface PointChart<Type extends string> extends Chart2D<Type, PointData> {
  readonly x_ticks: readonly ChartValue[];
  readonly x_tick_labels: readonly string[];
  readonly x_scale: ChartScale;
  readonly y_ticks: readonly ChartValue[];
  readonly y_tick_labels: readonly string[];
  readonly y_scale: ChartScale;
}
interface BarData {
  readonly label: string;
  readonly group: string;
  readonly value: number | null;
}
interface PieData {
  readonly label: string;
  readonly angle: number | null;
  readonly radius: number | null;
}
interface BoxAndWhiskerData {
  readonly label: string;
  readonly min: number | null;
  readonly first_quartile: number | null;
  readonly median: number | null;
  readonly third_quartile: number | null;
  readonly max: number | null;
  readonly outliers: readonly (number | null)[];
}
type PlainChart = PointChart<"line"> | PointChart<"scatter"> | Chart2D<"bar", BarData> | Chart2D<"box_and_whisker", BoxAndWhiskerData> | ChartBase<"pie", PieData> | Chart2D<"unknown", unknown>;
export type Chart = PlainChart | ChartBase<"superchart", PlainChart>;
export interface FileChange {
  readonly path: string;
  readonly size: number;
  readonly mimeType: string;
  readonly change: "created" | "modified";
}
export declare class Result {
  readonly isMainResult: boolean;
  readonly text: string | undefined;
  readonly html: string | undefined;
  readonly markdown: string | undefined;
  readonly svg: string | undefined;
  readonly png: string | undefined;
  readonly jpeg: string | undefined;
  readonly pdf: string | undefined;
  readonly latex: string | undefined;
  readonly javascript: string | undefined;
  readonly json: unknown;
  readonly data: Readonly<Record<string, readonly unknown[]>> | undefined;
  readonly dataRows: number | undefined;
  readonly chart: Chart | undefined;
  readonly extra: Readonly<Record<string, unknown>> | undefined;
  readonly raw: Readonly<Record<string, unknown>>;
  constructor(raw: Readonly<Record<string, unknown>>, isMainResult: boolean);
  formats(): string[];
  toJSON(): Record<string, unknown>;
}
export interface ExecutionError {
  readonly name: string;
  readonly value: string;
  readonly traceback: string;
}
export interface Logs {
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
}
export interface Truncation {
  readonly stdoutBytes?: number;
  readonly stderrBytes?: number;
  readonly results?: number;
  readonly files?: boolean;
}
export interface ExecutionFields {
  readonly results: readonly Result[];
  readonly logs: Logs;
  readonly error?: ExecutionError | undefined;
  readonly executionCount?: number | undefined;
  readonly truncated?: Truncation | undefined;
  readonly files?: readonly FileChange[] | undefined;
}
export declare class Execution {
  readonly results: readonly Result[];
  readonly logs: Logs;
  readonly error: ExecutionError | undefined;
  readonly executionCount: number | undefined;
  readonly truncated: Truncation | undefined;
  readonly files: readonly FileChange[] | undefined;
  constructor(fields: ExecutionFields);
  get text(): string | undefined;
  toJSON(): Record<string, unknown>;
}
export interface OutputMessage {
  readonly line: string;
  readonly timestamp: number;
  readonly error: boolean;
}
export interface ExecutionCallbacks {
  readonly onStdout?: ((message: OutputMessage) => unknown) | undefined;
  readonly onStderr?: ((message: OutputMessage) => unknown) | undefined;
  readonly onResult?: ((result: Result) => unknown) | undefined;
  readonly onError?: ((error: ExecutionError) => unknown) | undefined;
}
export interface RunCodeOptions extends RequestOptions, ExecutionCallbacks {
  readonly language?: string | undefined;
  readonly context?: CodeContext | string | undefined;
  readonly user?: string | undefined;
  readonly envs?: Readonly<Record<string, string>> | undefined;
  readonly timeoutMs?: number | undefined;
  readonly reportFiles?: boolean | undefined;
}
export interface AuditAsker {
  readonly adapter?: string | undefined;
  readonly tool?: string | undefined;
  readonly toolCallId?: string | undefined;
  readonly thread?: string | undefined;
  readonly tenant?: string | undefined;
  readonly client?: string | undefined;
}
export interface AuditDigest {
  readonly bytes: number;
  readonly sha256: string;
  readonly text?: string | undefined;
}
export interface AuditFields {
  readonly sandboxId: string;
  readonly event: "created" | "call" | "result" | "exit" | "network" | "dropped" | "ended";
  readonly call?: number | undefined;
  readonly method?: string | undefined;
  readonly by?: AuditAsker | undefined;
  readonly [more: string]: unknown;
}
export interface AuditEvent extends AuditFields {
  readonly seq: number;
  readonly time: string;
  readonly prev: string;
  readonly hash: string;
}
export interface AuditOptions {
  readonly directory?: string | undefined;
  readonly sink?: ((event: AuditEvent) => unknown) | undefined;
  readonly content?: boolean | undefined;
  readonly onFailure?: "throw" | "warn" | undefined;
  readonly maxFileBytes?: number | undefined;
}
export declare const auditSchema: z.ZodType<AuditOptions | undefined>;
declare const ceilingSchema: z.ZodType<NetworkCeiling | undefined>;
declare const secretsSchema: z.ZodType<Readonly<Record<string, SandboxSecret>> | undefined>;
export interface ProviderOptions {
  readonly provider?: SandboxProvider | undefined;
}
export interface AuditedOptions {
  readonly audit?: AuditOptions | undefined;
}
export interface SandboxCreateOptions extends Omit<CreateOptions, "volumeMounts" | "workspaces">, ProviderOptions, AuditedOptions {
  readonly volumeMounts?: Readonly<Record<string, string | Pick<VolumeInfo, "volumeId">>> | undefined;
  readonly workspace?: string | WorkspaceOptions | undefined;
  readonly workspaces?: readonly WorkspaceOptions[] | undefined;
}
interface CheckedCreateOptions extends Omit<CreateOptions, "workspaces">, ProviderOptions, AuditedOptions {
  readonly workspace?: WorkspaceOptions | undefined;
  readonly workspaces?: readonly WorkspaceOptions[] | undefined;
}
export interface SandboxConnectOptions extends ConnectOptions, ProviderOptions, AuditedOptions {}
export declare const sharedOptions: {
  readonly lifecycle: z.ZodType<Lifecycle | undefined>;
  readonly network: z.ZodType<boolean | NetworkOptions | undefined>;
  readonly networkCeiling: typeof ceilingSchema;
  readonly secrets: typeof secretsSchema;
  readonly volumeMounts: typeof volumeMountsSchema;
  readonly onNetwork: z.ZodType<((event: NetworkEvent) => void) | undefined>;
  readonly mcp: z.ZodType<McpServers | undefined>;
};
export interface PauseOptions extends SignalOptions {
  readonly keepMemory?: boolean | undefined;
}
export interface SnapshotOptions extends SignalOptions {
  readonly name?: string | undefined;
}
export interface ListSnapshotsOptions extends SignalOptions {
  readonly sandboxId?: string | undefined;
  readonly name?: string | undefined;
}
export interface ForkOptions extends SignalOptions {
  readonly count?: number | undefined;
  readonly timeoutMs?: number | undefined;
}
export interface LeftOut {
  readonly path: string;
  readonly reason: "secret" | "ignored" | "special" | "unreadable";
  readonly detail: string;
}
export interface WorkspaceState {
  readonly type: "file" | "directory" | "symlink" | "other";
  readonly mode: number;
  readonly size: number;
  readonly digest?: string | undefined;
  readonly target?: string | undefined;
}
export interface WorkspaceChange {
  readonly path: string;
  readonly kind: "added" | "changed" | "removed" | "renamed" | "mode" | "type";
  readonly from?: string | undefined;
  readonly before?: WorkspaceState | undefined;
  readonly after?: WorkspaceState | undefined;
  readonly refused?: string | undefined;
}
export interface WorkspaceChanges {
  readonly changes: readonly WorkspaceChange[];
  readonly digest: string;
}
export interface DiffHunk {
  readonly beforeStart: number;
  readonly beforeLines: number;
  readonly afterStart: number;
  readonly afterLines: number;
  readonly lines: readonly string[];
}
export interface FileDiff extends WorkspaceChange {
  readonly notShown?: "binary" | "too-long" | "unknown" | undefined;
  readonly hunks: readonly DiffHunk[];
}
export interface WorkspaceDiff {
  readonly digest: string;
  readonly files: readonly FileDiff[];
  readonly text: string;
}
export interface WorkspaceCallOptions {
  readonly signal?: AbortSignal | undefined;
}
export interface WorkspaceDiffOptions extends WorkspaceCallOptions {
  readonly path?: string | undefined;
  readonly format?: "unified" | "json" | undefined;
}
export interface WorkspaceApplyOptions extends WorkspaceCallOptions {
  readonly paths?: readonly string[] | undefined;
  readonly digest?: string | undefined;
  readonly onConflict?: "refuse" | "merge" | "overwrite" | "skip" | undefined;
  readonly maxBytes?: number | undefined;
  readonly allowGitInternals?: boolean | undefined;
  readonly onProgress?: ((done: number, of: number) => void) | undefined;
}
export interface WorkspaceApplied {
  readonly applied: readonly WorkspaceChange[];
  readonly merged: readonly string[];
  readonly skipped: readonly string[];
}
export interface WorkspaceRefreshed {
  readonly updated: readonly string[];
  readonly conflicts: readonly string[];
  readonly leftOut: readonly LeftOut[];
}
export interface Workspace {
  readonly host: string;
  readonly guest: string;
  readonly mode: WorkspaceMode;
  readonly leftOut: readonly LeftOut[];
  changes(options?: WorkspaceCallOptions): Promise<WorkspaceChanges>;
  diff(options?: WorkspaceDiffOptions): Promise<WorkspaceDiff>;
  apply(options?: WorkspaceApplyOptions): Promise<WorkspaceApplied>;
  discard(paths?: readonly string[], options?: WorkspaceCallOptions): Promise<WorkspaceChanges>;
  refresh(options?: WorkspaceCallOptions): Promise<WorkspaceRefreshed>;
}
export declare class Sandbox implements AsyncDisposable {
  #private;
  readonly sandboxId: string;
  readonly files: Files;
  readonly commands: Commands;
  readonly pty: Pty;
  constructor(connection: SandboxConnection, provider: SandboxProvider);
  static create(options?: SandboxCreateOptions): Promise<Sandbox>;
  static create(template: string, options?: SandboxCreateOptions): Promise<Sandbox>;
  static connect(id: string, options?: SandboxConnectOptions): Promise<Sandbox>;
  static list(options?: ProviderOptions): Promise<SandboxInfo[]>;
  static kill(id: string, options?: ProviderOptions): Promise<boolean>;
  static listSnapshots(options?: ListSnapshotsOptions & ProviderOptions): Promise<SnapshotInfo[]>;
  static deleteSnapshot(id: string, options?: SignalOptions & ProviderOptions): Promise<boolean>;
  static history(id: string, options?: SignalOptions & ProviderOptions): Promise<CheckpointInfo[]>;
  static branch(id: string, checkpointId: string, options?: BranchOptions & ProviderOptions): Promise<(Sandbox | EmberboxError)[]>;
  runCode(code: string, options?: RunCodeOptions): Promise<Execution>;
  createCodeContext(options?: CreateCodeContextOptions): Promise<CodeContext>;
  listCodeContexts(options?: RequestOptions): Promise<CodeContext[]>;
  removeCodeContext(context: CodeContext | string, options?: RequestOptions): Promise<void>;
  restartCodeContext(context: CodeContext | string, options?: RequestOptions): Promise<void>;
  get capabilities(): Capabilities;
  getInfo(): Promise<SandboxInfo>;
  getMetrics(options?: RequestOptions): Promise<SandboxMetrics[]>;
  get workspaces(): readonly Workspace[];
  get workspace(): Workspace;
  get gone(): Error | undefined;
  get ended(): AbortSignal | undefined;
  isRunning(options?: RequestOptions): Promise<boolean>;
  setTimeout(timeoutMs: number): Promise<void>;
  pause(options?: PauseOptions): Promise<boolean>;
  connect(options?: ConnectOptions): Promise<this>;
  createSnapshot(options?: SnapshotOptions): Promise<SnapshotInfo>;
  listSnapshots(options?: SignalOptions): Promise<SnapshotInfo[]>;
  fork(options?: ForkOptions): Promise<(this | EmberboxError)[]>;
  checkpoint(options?: CheckpointOptions): Promise<CheckpointInfo>;
  history(options?: SignalOptions): Promise<CheckpointInfo[]>;
  rollback(checkpointId: string, options?: SignalOptions): Promise<RollbackResult>;
  branch(checkpointId: string, options?: BranchOptions): Promise<(this | EmberboxError)[]>;
  changesBetween(before: string, after: string, options?: SignalOptions): Promise<CheckpointChanges>;
  deleteCheckpoint(checkpointId: string, options?: SignalOptions): Promise<boolean>;
  getHost(port: number): Promise<string>;
  url(port: number): Promise<string>;
  getMcpUrl(): Promise<string>;
  getMcpToken(): Promise<string | undefined>;
  get trafficAccessToken(): string | undefined;
  updateNetwork(network: boolean | NetworkOptions): Promise<void>;
  getNetworkLog(): Promise<NetworkLog>;
  downloadUrl(path: string, options?: FileUrlOptions): Promise<string>;
  uploadUrl(path: string, options?: FileUrlOptions): Promise<string>;
  kill(): Promise<boolean>;
  [Symbol.asyncDispose](): Promise<void>;
}
interface TemplateOptions {
  readonly fileContextPath?: string | undefined;
  readonly fileIgnorePatterns?: readonly string[] | undefined;
}
interface ImageCredentials {
  readonly username: string;
  readonly password: string;
}
interface StepOptions {
  readonly user?: string | undefined;
}
interface CopyOptions$1 {
  readonly user?: string | undefined;
  readonly mode?: number | undefined;
}
interface CopyItem extends CopyOptions$1 {
  readonly src: string | readonly string[];
  readonly dest: string;
}
interface RemoveOptions extends StepOptions {
  readonly force?: boolean | undefined;
  readonly recursive?: boolean | undefined;
}
interface ReplaceOptions extends StepOptions {
  readonly force?: boolean | undefined;
}
interface MakeDirOptions extends StepOptions {
  readonly mode?: number | undefined;
}
interface PipInstallOptions {
  readonly g?: boolean | undefined;
}
interface NpmInstallOptions {
  readonly g?: boolean | undefined;
  readonly dev?: boolean | undefined;
}
interface AptInstallOptions {
  readonly noInstallRecommends?: boolean | undefined;
  readonly fixMissing?: boolean | undefined;
}
interface GitCloneOptions extends StepOptions {
  readonly branch?: string | undefined;
  readonly depth?: number | undefined;
}
export declare class TemplateBuilder {
  #private;
  fromBaseImage(): this;
  fromTemplate(name: string): this;
  fromDockerfile(contentOrPath: string): this;
  fromImage(image: string, credentials?: ImageCredentials): this;
  fromPythonImage(version?: string): this;
  fromNodeImage(version?: string): this;
  fromDebianImage(version?: string): this;
  fromUbuntuImage(version?: string): this;
  fromBunImage(version?: string): this;
  copy(src: string | readonly string[], dest: string, given?: CopyOptions$1): this;
  copyItems(items: readonly CopyItem[]): this;
  remove(path: string | readonly string[], given?: RemoveOptions): this;
  rename(src: string, dest: string, given?: ReplaceOptions): this;
  makeDir(path: string | readonly string[], given?: MakeDirOptions): this;
  makeSymlink(src: string, dest: string, given?: ReplaceOptions): this;
  runCmd(command: string | readonly string[], given?: StepOptions): this;
  setWorkdir(path: string): this;
  setUser(user: string): this;
  setEnvs(envs: Readonly<Record<string, string>>): this;
  pipInstall(packages?: string | readonly string[], given?: PipInstallOptions): this;
  npmInstall(packages?: string | readonly string[], given?: NpmInstallOptions): this;
  aptInstall(packages: string | readonly string[], given?: AptInstallOptions): this;
  gitClone(url: string, path?: string, given?: GitCloneOptions): this;
  addMcpServer(servers: string | readonly string[]): this;
  skipCache(): this;
  setStartCmd(command: string, ready?: string): this;
  setReadyCmd(ready: string): this;
}
export interface TemplateFunction {
  (options?: TemplateOptions): TemplateBuilder;
  build(template: TemplateBuilder, options: BuildTemplateOptions & ProviderOptions): Promise<BuiltTemplate>;
  exists(name: string, options?: SignalOptions & ProviderOptions): Promise<boolean>;
  list(options?: SignalOptions & ProviderOptions): Promise<BuiltTemplate[]>;
  delete(name: string, options?: SignalOptions & ProviderOptions): Promise<boolean>;
  assignTags(name: string, tags: string | readonly string[], options?: SignalOptions & ProviderOptions): Promise<BuiltTemplate>;
  removeTags(name: string, tags: string | readonly string[], options?: SignalOptions & ProviderOptions): Promise<boolean>;
  getTags(name: string, options?: SignalOptions & ProviderOptions): Promise<TemplateTag[]>;
}
export declare const Template: TemplateFunction;
export declare function waitForPort(number: number): string;
export declare function waitForURL(address: string, expected?: number): string;
export declare function waitForProcess(name: string): string;
export declare function waitForFile(path: string): string;
export declare function waitForTimeout(ms: number): string;
export declare class Volume {
  #private;
  readonly volumeId: string;
  readonly name: string;
  constructor({ volumeId, name }: VolumeInfo, files: VolumeFiles);
  static create(name: string, { provider, ...given }?: CreateVolumeOptions & ProviderOptions): Promise<Volume>;
  static connect(volumeId: string, options?: ProviderOptions): Promise<Volume>;
  static getInfo(volumeId: string, options?: ProviderOptions): Promise<VolumeInfo>;
  static list(options?: ProviderOptions): Promise<VolumeInfo[]>;
  static destroy(volumeId: string, options?: ProviderOptions): Promise<boolean>;
  list(path: string, options?: ListVolumeOptions): Promise<VolumeEntry[]>;
  makeDir(path: string, options?: VolumeWriteOptions): Promise<VolumeEntry>;
  getInfo(path: string): Promise<VolumeEntry>;
  exists(path: string): Promise<boolean>;
  updateMetadata(path: string, metadata: VolumeMetadata): Promise<VolumeEntry>;
  readFile(path: string, options?: SignalOptions & {
    format?: "text";
  }): Promise<string>;
  readFile(path: string, options: SignalOptions & {
    format: "bytes";
  }): Promise<Uint8Array>;
  readFile(path: string, options: SignalOptions & {
    format: "stream";
  }): Promise<ReadableStream<Uint8Array>>;
  writeFile(path: string, data: string | Uint8Array | AsyncIterable<Uint8Array>, options?: VolumeWriteOptions): Promise<VolumeEntry>;
  remove(path: string): Promise<void>;
}
export interface E2bOptions {
  readonly apiKey?: string | undefined;
  readonly domain?: string | undefined;
  readonly apiUrl?: string | undefined;
  readonly sandboxUrl?: string | undefined;
  readonly requestTimeoutMs?: number | undefined;
  readonly retries?: number | undefined;
}
export declare function e2b(options?: E2bOptions): SandboxProvider;
export type CallCheckpoints = "each-call" | {
  readonly each: "call";
  readonly keep?: CheckpointKeep | false | undefined;
};
export declare const callCheckpoints: z.ZodType<CallCheckpoints> & {
  readonly description?: string;
};
export declare function keepOf(option: CallCheckpoints): CheckpointKeep | undefined;
export interface SandboxPosition {
  readonly sandboxId: string;
  readonly checkpointId: string;
  readonly savedAt: number;
}
export declare function parsePosition(value: unknown): SandboxPosition | undefined;
export declare function laterPosition(one: SandboxPosition | undefined, other: SandboxPosition | undefined): SandboxPosition | undefined;
export interface ConversationPlace {
  readonly at: SandboxPosition | null;
  readonly step?: unknown;
  readonly trusted?: boolean | undefined;
}
export type SessionCreateOptions = Omit<SandboxCreateOptions, "signal">;
export type SandboxSource = Sandbox | SandboxProvider | SessionCreateOptions | undefined;
export interface ResolvedSource {
  readonly given: Sandbox | undefined;
  readonly create: Omit<CheckedCreateOptions, "signal" | "provider">;
  readonly known: SandboxProvider | undefined;
  provider(): Promise<SandboxProvider>;
}
export declare function resolveSource(source: SandboxSource): ResolvedSource;
export interface CallNote {
  readonly label: string;
  readonly toolCallId?: string | undefined;
}
export interface TrailOptions {
  readonly adapter?: string | undefined;
  readonly keep?: CheckpointKeep | undefined;
  readonly report: (error: unknown) => void;
}
type Stop = AbortSignal | undefined;
declare const BEGINNING = "beginning";
export declare class Trail {
  #private;
  constructor(options: TrailOptions);
  get position(): SandboxPosition | undefined;
  pin(checkpointId: string): void;
  target(place: ConversationPlace | undefined, toolCallId: string | undefined): SandboxPosition | typeof BEGINNING | undefined;
  origin(place: ConversationPlace | undefined): SandboxPosition | undefined;
  restart(position: SandboxPosition | undefined): void;
  leave(): void;
  arrive(sandbox: Sandbox, place: ConversationPlace | undefined, toolCallId: string | undefined, signal: Stop): Promise<void>;
  begin(sandbox: Sandbox, note: CallNote, signal: Stop): Promise<CheckpointInfo>;
  end(sandbox: Sandbox, note: CallNote, placed: boolean, signal: Stop): Promise<SandboxPosition>;
  around<Result>(sandbox: Sandbox, note: CallNote, how: {
    readonly signal?: AbortSignal | undefined;
    readonly left: (position: SandboxPosition) => void;
    readonly report: (error: unknown) => void;
  }, work: () => Promise<Result>): Promise<Result>;
  goTo(sandbox: Sandbox, target: SandboxPosition, signal: Stop): Promise<RollbackResult | undefined>;
}
export interface SandboxSessionsOptions {
  readonly idleTimeoutMs?: number | undefined;
  readonly onIdle?: "kill" | "pause" | undefined;
  readonly maxSandboxes?: number | undefined;
  readonly onError?: ((error: unknown) => void) | undefined;
  readonly checkpoints?: CallCheckpoints | undefined;
}
export interface AcquireOptions {
  readonly signal?: AbortSignal | undefined;
  readonly toolCallId?: string | undefined;
  readonly agent?: string | undefined;
  readonly place?: ConversationPlace | undefined;
}
export interface SandboxLease extends Disposable {
  readonly sandbox: Sandbox;
  readonly lost: string | undefined;
  readonly recovered: boolean;
  readonly trail: Trail | undefined;
  told(): void;
  forget(sandbox: Sandbox, reason: unknown): void;
}
export declare class SandboxSessions implements AsyncDisposable {
  #private;
  readonly source: ResolvedSource;
  readonly adapter: string | undefined;
  constructor(source?: SandboxSource, options?: SandboxSessionsOptions, adapter?: string);
  sandboxId(threadId?: string): string | undefined;
  position(threadId?: string): SandboxPosition | undefined;
  get checkpoints(): boolean;
  acquire(threadId?: string, { signal, toolCallId, agent, place }?: AcquireOptions): Promise<SandboxLease>;
  goTo(place: ConversationPlace, { threadId, signal }?: {
    readonly threadId?: string | undefined;
  } & SignalOptions): Promise<void>;
  close(threadId?: string): Promise<boolean>;
  idle(threadId?: string): Promise<void>;
  report(error: unknown): void;
  [Symbol.asyncDispose](): Promise<void>;
}
export declare function mustMakeCheckpoints({ given, known }: ResolvedSource): void;
export interface SandboxFacts {
  readonly languages: readonly string[];
  readonly software: string;
  readonly system: string;
  readonly workingDirectory: string;
  readonly network: string;
  readonly folders: string;
}
type GivenFacts = { readonly [Name in keyof SandboxFacts]?: SandboxFacts[Name] | undefined; };
export declare function factsOf(sessions: SandboxSessions, given?: GivenFacts): SandboxFacts;
export interface JsonSchema {
  readonly type: "object";
  readonly properties: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly required: readonly string[];
  readonly additionalProperties: false;
}
export type ToolName = "run_code" | "run_command" | "read_file" | "write_file" | "edit_file" | "list_files";
export interface ToolOutput {
  readonly stream: "stdout" | "stderr";
  readonly text: string;
}
export interface ToolContext {
  readonly signal?: AbortSignal | undefined;
  readonly onOutput?: ((output: ToolOutput) => unknown) | undefined;
  readonly toolCallId?: string | undefined;
  readonly threadId?: string | undefined;
  readonly place?: ConversationPlace | undefined;
  readonly agent?: string | undefined;
}
export interface ToolPicture {
  readonly mimeType: string;
  readonly base64: string;
  readonly sizeBytes: number;
  readonly path?: string;
}
export interface ToolFile {
  readonly path: string;
  readonly mimeType: string;
  readonly sizeBytes: number;
  readonly change: "created" | "modified" | "read" | "output";
}
export interface ToolTable {
  readonly columns: Readonly<Record<string, readonly unknown[]>>;
  readonly totalRows?: number;
}
export interface ToolEntry {
  readonly path: string;
  readonly type: "file" | "dir" | "symlink" | "other";
  readonly sizeBytes: number;
}
export interface ToolData {
  readonly durationMs: number;
  readonly timedOut: boolean;
  readonly outOfMemory: boolean;
  readonly truncated: boolean;
  readonly exitCode?: number;
  readonly stdout?: string;
  readonly stderr?: string;
  readonly value?: string;
  readonly exception?: {
    readonly name: string;
    readonly message: string;
  };
  readonly charts?: readonly Chart[];
  readonly tables?: readonly ToolTable[];
  readonly entries?: readonly ToolEntry[];
  readonly replacements?: number;
  readonly lines?: {
    readonly first: number;
    readonly last: number;
    readonly more: boolean;
  };
  readonly errorCode?: string;
  readonly sandboxId?: string;
  readonly checkpointId?: string;
  readonly position?: SandboxPosition;
}
export interface ToolResult {
  readonly status: "done";
  readonly tool: ToolName;
  readonly isError: boolean;
  readonly text: string;
  readonly pictures: readonly ToolPicture[];
  readonly files: readonly ToolFile[];
  readonly data: ToolData;
}
export interface ToolProgress {
  readonly status: "running";
  readonly tool: ToolName;
  readonly stdout: string;
  readonly stderr: string;
  readonly outputBytes: number;
  readonly elapsedMs: number;
}
export interface ToolLimits {
  readonly timeoutMs: number;
  readonly maxTimeoutMs: number;
  readonly maxOutputBytes: number;
  readonly maxPictureBytes: number;
  readonly maxTotalPictureBytes: number;
  readonly maxPictures: number;
}
interface ToolRun {
  readonly sandbox: Sandbox;
  readonly signal: AbortSignal | undefined;
  readonly onOutput: ((output: ToolOutput) => unknown) | undefined;
  readonly limits: ToolLimits;
  readonly reportFiles: boolean;
  readonly replaced: boolean;
}
interface EditFileInput {
  readonly path: string;
  readonly old_string: string;
  readonly new_string: string;
  readonly replace_all?: boolean | undefined;
}
interface ListFilesInput {
  readonly path?: string | undefined;
  readonly depth?: number | undefined;
  readonly limit?: number | undefined;
}
interface ProgressOptions {
  readonly intervalMs: number;
  readonly tailBytes: number;
}
export interface ToolOptions extends SandboxSessionsOptions, Partial<ToolLimits> {
  readonly include?: readonly ToolName[] | undefined;
  readonly prefix?: string | undefined;
  readonly reportFiles?: boolean | undefined;
  readonly facts?: GivenFacts | undefined;
  readonly progressIntervalMs?: number | undefined;
  readonly progressBytes?: number | undefined;
}
interface ResolvedToolOptions extends SandboxSessionsOptions {
  readonly include: readonly ToolName[];
  readonly prefix: string;
  readonly reportFiles: boolean;
  readonly facts: GivenFacts | undefined;
  readonly progress: ProgressOptions;
  readonly limits: ToolLimits;
}
export declare function resolveToolOptions(options: ToolOptions): ResolvedToolOptions;
interface ReadFileInput {
  readonly path: string;
  readonly offset?: number | undefined;
  readonly limit?: number | undefined;
  readonly line_numbers?: boolean | undefined;
}
interface RunCodeInput {
  readonly language?: string | undefined;
  readonly code: string;
  readonly timeout_ms?: number | undefined;
}
interface RunCommandInput {
  readonly command: string;
  readonly cwd?: string | undefined;
  readonly timeout_ms?: number | undefined;
}
interface WriteFileInput {
  readonly path: string;
  readonly content: string;
}
export interface ToolInputs {
  run_code: RunCodeInput;
  run_command: RunCommandInput;
  read_file: ReadFileInput;
  write_file: WriteFileInput;
  edit_file: EditFileInput;
  list_files: ListFilesInput;
}
export interface SandboxTool<Name extends ToolName = ToolName> {
  readonly kind: Name;
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly inputSchema: z.ZodType<ToolInputs[Name]>;
  readonly jsonSchema: JsonSchema;
  readonly strictInputSchema: z.ZodType<ToolInputs[Name]>;
  readonly strictJsonSchema: JsonSchema;
  readonly readOnly: boolean;
  execute(input: unknown, context?: ToolContext): Promise<ToolResult>;
  stream(input: unknown, context?: ToolContext): AsyncGenerator<ToolProgress | ToolResult, void, undefined>;
}
export declare class SandboxTools implements AsyncDisposable {
  #private;
  readonly sessions: SandboxSessions;
  readonly tools: readonly SandboxTool[];
  constructor(source?: SandboxSource | SandboxSessions, options?: ToolOptions, adapter?: string);
  get<Name extends ToolName>(kind: Name): SandboxTool<Name>;
  execute(name: string, input: unknown, context?: ToolContext): Promise<ToolResult>;
  [Symbol.asyncDispose](): Promise<void>;
}
export declare function createSandboxTools(source?: SandboxSource | SandboxSessions, options?: ToolOptions): SandboxTools;
export interface CheckpointAnswer {
  readonly text: string;
  readonly isError: boolean;
  readonly errorCode?: string;
}
export interface CheckpointTool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly jsonSchema: JsonSchema;
  readonly readOnly: boolean;
  execute(input: unknown, context?: ToolContext): Promise<CheckpointAnswer>;
}
export declare function createCheckpointTools(sessions: SandboxSessions, { prefix }?: {
  readonly prefix?: string | undefined;
}): CheckpointTool[];
export interface Failure {
  readonly text: string;
  readonly code: ErrorCode | undefined;
  readonly report: boolean;
}
export declare function explainFailure(error: unknown, replaced?: boolean): Failure;
export interface SandboxCallOptions extends Omit<ToolContext, "onOutput"> {
  readonly tool?: string | undefined;
  readonly beside?: boolean | undefined;
  readonly label?: string | undefined;
}
export declare class SandboxCall implements Disposable {
  #private;
  constructor(sessions: SandboxSessions, lease?: SandboxLease);
  get sandboxId(): string | undefined;
  get sandbox(): Sandbox;
  get adapter(): string | undefined;
  get replaced(): boolean;
  get notice(): string;
  get checkpointId(): string | undefined;
  get position(): SandboxPosition | undefined;
  leave(): Promise<void>;
  say(): string;
  until(end: Promise<unknown>): void;
  forget(error: unknown): void;
  explain(error: unknown): Failure;
  [Symbol.dispose](): void;
}
export declare function callSandbox<Answer>(sessions: SandboxSessions, options: SandboxCallOptions, work: (call: SandboxCall) => Promise<Answer>, failed: (error: unknown, call: SandboxCall) => Answer): Promise<Answer>;
interface RunToEndOptions {
  readonly timeoutMs: number;
  readonly cwd?: string;
  readonly envs?: Readonly<Record<string, string>>;
  readonly user?: string;
}
export declare function runToEnd({ sandbox, signal, onOutput }: Pick<ToolRun, "sandbox" | "signal" | "onOutput">, command: string, options: RunToEndOptions): Promise<CommandResult>;
export declare function killCommand(handle: CommandHandle): Promise<void>;
export declare function shellExitCode(ended: Pick<CommandResult, "exitCode"> | EmberboxError): number;
export declare class BoundedText {
  #private;
  constructor(keepBytes?: number);
  get totalBytes(): number;
  get truncated(): boolean;
  push(piece: string): void;
  pieces(): string[];
  toString(): string;
}
export declare const toolOutputSchema: z.ZodType<ToolProgress | ToolResult>;
export type EditedBytes = {
  readonly bytes: Buffer;
  readonly count: number;
} | {
  readonly problem: string;
};
export declare function editBytes(given: Uint8Array, from: string, to: string, all?: boolean): EditedBytes;
export declare function pictureProblem(bytes: Uint8Array, maxBytes?: number): string | undefined;
export declare function isShowable({ mimeType }: Pick<ToolPicture, "mimeType">): boolean;
export declare function withoutRefused<Value>(value: Value): Value;
export interface SmallerPicture {
  readonly mimeType: string;
  readonly bytes: Uint8Array;
  readonly note: string;
}
export interface SmallerPictureOptions {
  readonly maxBytes: number;
  readonly user?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}
export declare function smallerPicture(sandbox: Sandbox, path: string, { maxBytes, user, signal }: SmallerPictureOptions): Promise<SmallerPicture | undefined>;
export interface PictureLimits {
  readonly types: readonly string[];
  readonly maxBytes?: number;
  readonly maxSide?: number;
  readonly maxSideOfMany?: number;
  readonly maxPictures?: number;
  readonly animated: boolean;
  readonly maxRequestBytes?: number;
}
export declare const providerLimits: Readonly<Record<string, PictureLimits>>;
export declare const commonLimits: Required<PictureLimits>;
export declare function asOnTerminal(text: string): string;
export declare function pictureDataUrl({ mimeType, base64 }: ToolPicture): string;
export declare function pictureType(bytes: Uint8Array): string | undefined;
export declare function mimeType(path: string, beginning: Uint8Array): string;
export interface Truncated {
  readonly text: string;
  readonly truncated: boolean;
  readonly totalBytes: number;
}
export declare function truncate(text: string, maxBytes: number): Truncated;
export declare class Queue {
  #private;
  get isEmpty(): boolean;
  run<T>(work: (pass: () => void) => Promise<T>, signal?: AbortSignal): Promise<T>;
  idle(): Promise<void>;
}
export declare function queueOf(sandbox: object): Queue;
export declare function shareQueue(other: object, sandbox: object): void;
export interface CopyOptions {
  readonly provider: SandboxProvider;
  readonly timeoutMs: number;
  readonly audit?: AuditOptions | undefined;
  readonly signal?: AbortSignal | undefined;
}
export declare function copyAt({ sandboxId, checkpointId }: SandboxPosition, { audit, ...options }: CopyOptions): Promise<Sandbox>;
export declare function putAt(sandbox: Sandbox, checkpointId: string, { by, signal }?: {
  readonly by?: string;
  readonly signal?: AbortSignal | undefined;
}): Promise<RollbackResult | undefined>;
export interface PatchOperation {
  readonly type: "create_file" | "update_file" | "delete_file" | (string & {});
  readonly path: string;
  readonly diff?: string | null | undefined;
}
export interface PatchResult {
  readonly status: "completed" | "failed";
  readonly output: string;
}
export interface BashInput {
  readonly command?: string | undefined;
  readonly restart?: boolean | undefined;
}
export interface ShellInput {
  readonly commands: readonly string[];
  readonly timeoutMs?: number | null | undefined;
  readonly maxOutputLength?: number | null | undefined;
}
export interface ShellOutput {
  readonly stdout: string;
  readonly stderr: string;
  readonly outcome: {
    readonly type: "exit";
    readonly exitCode: number;
  } | {
    readonly type: "timeout";
  };
}
export interface ShellResult {
  readonly output: readonly ShellOutput[];
  readonly maxOutputLength?: number;
}
export interface LocalShellInput {
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>> | null | undefined;
  readonly workingDirectory?: string | null | undefined;
  readonly timeoutMs?: number | null | undefined;
  readonly user?: string | null | undefined;
}
export interface TextEditorInput {
  readonly command: "view" | "create" | "str_replace" | "insert" | (string & {});
  readonly path: string;
  readonly view_range?: readonly number[] | null | undefined;
  readonly file_text?: string | null | undefined;
  readonly old_str?: string | null | undefined;
  readonly new_str?: string | null | undefined;
  readonly insert_line?: number | null | undefined;
  readonly insert_text?: string | null | undefined;
}
export declare class NativeTools implements AsyncDisposable {
  #private;
  readonly sessions: SandboxSessions;
  constructor(source?: SandboxSource | SandboxSessions, options?: ToolOptions, adapter?: string);
  shell(input: ShellInput, context?: ToolContext): Promise<ShellResult>;
  localShell(input: LocalShellInput, context?: ToolContext): Promise<{
    output: string;
  }>;
  bash(input: BashInput, context?: ToolContext): Promise<string>;
  textEditor(input: TextEditorInput, context?: ToolContext): Promise<string>;
  applyPatch(operation: PatchOperation, context?: ToolContext): Promise<PatchResult>;
  [Symbol.asyncDispose](): Promise<void>;
}
export declare function applyDiff(text: string, diff: string, mode?: "default" | "create"): string;
export declare class TerminalText {
  #private;
  push(text: string): string;
  end(): string;
}
export declare function styledText(text: string): string;
export declare function plainText(text: string): string;
export declare function oneLine(text: string): string;
export declare function safeJson(json: string): string;
export declare function checkedProvider(of: SandboxProvider): SandboxProvider;
export declare const USUAL_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
export declare function templatesOf(provider?: Pick<SandboxProvider, "templates">): readonly TemplateInfo[];
export declare function background(work: Promise<unknown>, onFailure: (error: unknown) => void): void;
export declare function warning(what: string): (error: unknown) => void;
export declare function notifier<Args extends readonly unknown[]>(name: string, callback: ((...args: Args) => unknown) | undefined): (...args: Args) => unknown;
export declare class SharedWork<Value> {
  #private;
  constructor({ keeps }?: {
    readonly keeps?: boolean;
  });
  get(key: string, begin: (signal: AbortSignal) => Promise<Value>, signal?: AbortSignal): Promise<Value>;
  forget(key: string): void;
  going(): ReadonlyMap<string, Promise<Value>>;
  stop(key: string, reason: Error): Promise<void>;
}
export declare function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T>;
export declare function within<T, Late>(ms: number, work: Promise<T>, late: () => Late, { ref }?: {
  readonly ref?: boolean;
}): Promise<T | Late>;
export declare function languageName(language: string): string;
export declare function quote(text: string): string;
export declare function resolveTemplate(builder: TemplateBuilder): Promise<TemplateRequest>;
export declare function digestOf(data: string | Uint8Array, withText: boolean): AuditDigest;
export declare class PassingDigest {
  #private;
  take(piece: Uint8Array): void;
  through(stream: ReadableStream<Uint8Array>): ReadableStream<Uint8Array>;
  soFar(): AuditDigest;
}
export declare const askedBy: <Result>(by: AuditAsker, work: () => Result) => Result;
export declare class Recorder {
  #private;
  readonly content: boolean;
  constructor(options: AuditOptions, secrets?: Readonly<Record<string, SandboxSecret>>);
  nextCall(): number;
  before(fields: AuditFields): Promise<void>;
  after(fields: AuditFields): Promise<void>;
  network({ sandboxId, decision, host, port, address, reason }: NetworkEvent): void;
}
export declare function recordCreate<Made extends {
  readonly sandboxId: string;
}>(recorder: Recorder, provider: SandboxProvider, options: CreateOptions, how: {
  readonly create: (options: CreateOptions) => Promise<Made>;
  readonly kill: (made: Made) => Promise<unknown>;
}): Promise<Made>;
export declare function recordEnd(recorder: Recorder, { sandboxId, ended }: {
  readonly sandboxId: string;
  readonly ended?: AbortSignal | undefined;
}): void;
export interface RecordedCall {
  readonly sandboxId: string;
  readonly recorder: Recorder;
  readonly method: string;
}
export declare function recordCall({ sandboxId, recorder, method }: RecordedCall, given: readonly unknown[], work: (args: readonly unknown[]) => unknown): Promise<unknown>;
export declare function failureOf(error: unknown): {
  code: string;
  message: string;
};
export interface AuditProblem {
  readonly file: string;
  readonly line: number;
  readonly what: string;
}
export interface AuditFindings {
  readonly events: number;
  readonly problems: readonly AuditProblem[];
  readonly torn: readonly string[];
  readonly heads: readonly {
    readonly log: string;
    readonly seq: number;
    readonly hash: string;
  }[];
}
export declare function readLog(directory: string, onEvent?: (event: AuditEvent) => unknown): Promise<AuditFindings>;
export declare function findIgnored({ host, options }: Pick<WorkspaceInfo, "host" | "options">): Promise<WorkspaceMount["isIgnored"]>;
export interface GuestChanges {
  readonly removed: readonly string[];
  readonly entries: readonly GuestEntry[];
  readonly isTooMuch?: true | undefined;
}
export interface GuestEntry {
  readonly path: string;
  readonly type: "file" | "directory" | "symlink" | "other";
  readonly mode: number;
  readonly size: number;
  readonly mtimeMs: number;
  readonly target?: string | undefined;
  readonly digest?: string | undefined;
}
export {};
