// bash-tool
import { BashToolSandbox, BashToolSandboxOptions, bashToolSandbox } from "./declarations.js";
export { type BashToolSandbox, type BashToolSandboxOptions, bashToolSandbox };

// harness
import { EmberboxHarnessProvider, HarnessSandboxOptions, KeyValueMatcher, NetworkPolicy, NetworkSandboxSession, RequestTransformation, TextMatcher, createEmberboxSandbox } from "./declarations.js";
export { type EmberboxHarnessProvider, type HarnessSandboxOptions, type KeyValueMatcher, type NetworkPolicy, type NetworkSandboxSession, type RequestTransformation, type TextMatcher, createEmberboxSandbox };

// index
import { AiSandboxTool, AiToolOptions, ApprovalPolicy, ApprovalStatus, SandboxOutput, SandboxPicture, SandboxResult, SandboxToolSet, SandboxToolSetOptions, StorePicture, ToolSource, bash, codeExecution, createSandboxTools, sandboxApproval } from "./declarations.js";
export { type AiSandboxTool, type AiToolOptions, type ApprovalPolicy, type ApprovalStatus, type SandboxOutput, type SandboxPicture, type SandboxResult, type SandboxToolSet, type SandboxToolSetOptions, type StorePicture, type ToolSource, bash, codeExecution, createSandboxTools, sandboxApproval };

// native
import { NativeExecutors, createNativeExecutors } from "./declarations.js";
export { type NativeExecutors, createNativeExecutors };

// session
import { OwnedSandboxSession, ProcessOptions, RestrictedSandboxSession, SandboxProcess, SandboxSession, SandboxSessionOptions, WritableSandboxProcess, createSandboxSession } from "./declarations.js";
export { type OwnedSandboxSession, type ProcessOptions, type RestrictedSandboxSession, type SandboxProcess, type SandboxSession, type SandboxSessionOptions, type WritableSandboxProcess, createSandboxSession };

// testing
import { SessionSubject, describeSandboxSession } from "./declarations.js";
export { type SessionSubject, describeSandboxSession };

// ui
import { SandboxPartState, SandboxPartView, ViewedFile, ViewedPicture, sandboxPart, toolState } from "./declarations.js";
export { type SandboxPartState, type SandboxPartView, type ViewedFile, type ViewedPicture, sandboxPart, toolState };

// declarations
import { BashInput, LocalShellInput, PatchOperation, PatchResult, SandboxSessions, SandboxSessionsOptions, SandboxSource, ShellInput, ShellOutput, TextEditorInput, ToolInputs, ToolName, ToolOptions, ToolPicture, ToolProgress, ToolResult } from "@emberbox/core/tools";
import { Experimental_SandboxSession, Tool, ToolExecuteFunction } from "ai";
interface PathOptions {
  readonly path: string;
  readonly abortSignal?: AbortSignal;
}
export interface ProcessOptions {
  readonly command: string;
  readonly workingDirectory?: string;
  readonly env?: Record<string, string>;
  readonly abortSignal?: AbortSignal;
}
export interface SandboxProcess {
  readonly pid: number;
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  wait(): Promise<{
    exitCode: number;
  }>;
  kill(): Promise<void>;
}
export interface WritableSandboxProcess extends SandboxProcess {
  readonly stdin: WritableStream<Uint8Array>;
}
interface SpawnFunction {
  (options: ProcessOptions & {
    readonly stdin: true;
  }): Promise<WritableSandboxProcess>;
  (options: ProcessOptions & {
    readonly stdin?: false;
  }): Promise<SandboxProcess>;
  (options: ProcessOptions & {
    readonly stdin?: boolean;
  }): Promise<SandboxProcess | WritableSandboxProcess>;
}
type WithPromises<Methods> = { readonly [Name in keyof Methods]: Methods[Name] extends ((options: infer Options) => PromiseLike<infer Result>) ? (options: Options) => Promise<Result> : Methods[Name]; };
export interface SandboxSession extends WithPromises<Omit<Experimental_SandboxSession, "spawn" | "stat" | "listDirectory" | "deleteFile">> {
  readonly sessions: SandboxSessions;
  readonly stat: (options: PathOptions) => Promise<{
    type: "file" | "directory" | "other";
    size: number;
  } | null>;
  readonly listDirectory: (options: PathOptions) => Promise<{
    name: string;
    type: "file" | "directory" | "symlink" | "other";
  }[] | null>;
  readonly deleteFile: (options: PathOptions) => Promise<boolean>;
  readonly spawn: SpawnFunction;
}
export type RestrictedSandboxSession = Omit<SandboxSession, "sessions">;
export type ToolSource = SandboxSource | SandboxSessions | SandboxSession | RestrictedSandboxSession;
export interface SandboxPicture extends ToolPicture {
  readonly url?: string;
}
export interface SandboxResult extends ToolResult {
  readonly pictures: readonly SandboxPicture[];
}
export type StorePicture = (picture: ToolPicture, call: {
  readonly toolCallId: string;
}) => string | PromiseLike<string>;
export type SandboxOutput = ToolProgress | SandboxResult;
export type AiSandboxTool<Name extends ToolName = ToolName> = Tool<ToolInputs[Name], SandboxOutput> & {
  execute: ToolExecuteFunction<ToolInputs[Name], SandboxOutput, any>;
};
export interface AiToolOptions {
  readonly stream?: boolean | undefined;
  readonly modelPictures?: boolean | string | {
    readonly provider: string;
  } | undefined;
  readonly storePicture?: StorePicture | undefined;
  readonly trustMessages?: boolean | undefined;
}
type SingleToolOptions = Omit<ToolOptions, "include" | "prefix"> & AiToolOptions;
export interface SandboxToolSetOptions<Names extends ToolName = ToolName, Prefix extends string = ""> extends Omit<ToolOptions, "include" | "prefix">, AiToolOptions {
  readonly include?: readonly Names[] | undefined;
  readonly prefix?: Prefix | undefined;
}
export interface SandboxToolSet<Names extends ToolName = ToolName, Prefix extends string = ""> extends AsyncDisposable {
  readonly tools: { readonly [Name in Names as `${Prefix}${Name}`]: AiSandboxTool<Name>; };
  readonly sessions: SandboxSessions;
  session(threadId?: string): SandboxSession;
}
export declare function createSandboxTools<const Names extends ToolName = ToolName, const Prefix extends string = "">(source?: ToolSource, options?: SandboxToolSetOptions<Names, Prefix>): SandboxToolSet<Names, Prefix>;
export declare function codeExecution(source?: ToolSource, options?: SingleToolOptions): AiSandboxTool<"run_code"> & AsyncDisposable;
export declare function bash(source?: ToolSource, options?: SingleToolOptions): AiSandboxTool<"run_command"> & AsyncDisposable;
export type ApprovalStatus = "not-applicable" | "approved" | "denied" | "user-approval" | {
  readonly type: "approved" | "denied" | "user-approval";
  readonly reason?: string;
};
type Rule<Input> = ApprovalStatus | ((input: Input) => ApprovalStatus | undefined | PromiseLike<ApprovalStatus | undefined>);
export type ApprovalPolicy = { readonly [Name in ToolName]?: Rule<Partial<ToolInputs[Name]>>; };
type Approvals<Tools> = { readonly [Key in keyof Tools]?: Rule<any>; };
export declare function sandboxApproval<Tools extends Readonly<Record<string, unknown>>>(tools: Tools, policy?: ApprovalPolicy): Approvals<Tools>;
export interface SandboxSessionOptions extends SandboxSessionsOptions {
  readonly threadId?: string | undefined;
}
export type OwnedSandboxSession = SandboxSession & AsyncDisposable;
export declare function createSandboxSession(source?: ToolSource, { threadId, ...options }?: SandboxSessionOptions): OwnedSandboxSession;
type Execute<Input, Output> = (input: Input, options: Parameters<ToolExecuteFunction<Input, Output, any>>[1]) => Promise<Output>;
export interface NativeExecutors extends AsyncDisposable {
  readonly sessions: SandboxSessions;
  readonly shell: Execute<{
    readonly action: ShellInput;
  }, {
    output: ShellOutput[];
    maxOutputLength?: number;
  }>;
  readonly localShell: Execute<{
    readonly action: LocalShellInput;
  }, {
    output: string;
  }>;
  readonly applyPatch: Execute<{
    readonly operation: PatchOperation;
  }, PatchResult>;
  readonly bash: Execute<BashInput, string>;
  readonly textEditor: Execute<TextEditorInput, string>;
}
export declare function createNativeExecutors(source?: ToolSource, options?: ToolOptions): NativeExecutors;
export type SandboxPartState = "writing" | "asking" | "running" | "done" | "failed" | "denied";
export interface ViewedPicture {
  readonly src: string;
  readonly mediaType: string;
  readonly path?: string;
}
export interface ViewedFile {
  readonly path: string;
  readonly mediaType: string;
  readonly sizeBytes: number;
  readonly change: string;
}
export interface SandboxPartView {
  readonly toolCallId: string;
  readonly kind: string;
  readonly state: SandboxPartState;
  readonly subject: string;
  readonly language?: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly text: string;
  readonly pictures: readonly ViewedPicture[];
  readonly files: readonly ViewedFile[];
  readonly exitCode?: number;
  readonly elapsedMs?: number;
  readonly checkpointId?: string;
}
export declare function sandboxPart(part: unknown): SandboxPartView | undefined;
export declare function toolState(part: unknown): string;
export type NetworkPolicy = {
  readonly mode: "allow-all";
} | {
  readonly mode: "deny-all";
} | {
  readonly mode: "custom";
  readonly allowedHosts?: readonly string[];
  readonly allowedCIDRs?: readonly string[];
  readonly deniedCIDRs?: readonly string[];
};
export type TextMatcher = {
  readonly exact: string;
} | {
  readonly startsWith: string;
} | {
  readonly regex: string;
};
export interface KeyValueMatcher {
  readonly key?: TextMatcher;
  readonly value?: TextMatcher;
}
export interface RequestTransformation {
  readonly match: {
    readonly host: string;
    readonly path?: TextMatcher;
    readonly method?: readonly string[];
    readonly queryString?: readonly KeyValueMatcher[];
    readonly headers?: readonly KeyValueMatcher[];
  };
  readonly transform: {
    readonly headers: Readonly<Record<string, string>>;
  };
}
interface PortOptions {
  readonly port: number;
  readonly protocol?: "http" | "https" | "ws";
}
export interface NetworkSandboxSession extends SandboxSession {
  readonly id: string;
  readonly defaultWorkingDirectory: string;
  readonly ports: readonly number[];
  readonly getPortEndpoint: (options: PortOptions) => Promise<{
    url: string;
    headers?: Record<string, string>;
  }>;
  readonly getPortUrl: (options: PortOptions) => Promise<string>;
  readonly stop: () => Promise<void>;
  readonly destroy: () => Promise<void>;
  readonly setPorts: (ports: readonly number[], options?: {
    readonly abortSignal?: AbortSignal;
  }) => Promise<void>;
  readonly setNetworkPolicy?: (policy: NetworkPolicy) => Promise<void>;
  readonly setRequestTransformations?: (transformations: readonly RequestTransformation[]) => Promise<void>;
  readonly addRequestTransformations?: (transformations: readonly RequestTransformation[]) => Promise<void>;
  readonly restricted: () => RestrictedSandboxSession;
}
type FirstCreate<Session> = (session: Session, options: {
  abortSignal?: AbortSignal;
}) => Promise<void>;
export interface HarnessSandboxOptions {
  readonly ports?: readonly number[] | undefined;
}
interface CreateSessionOptions {
  readonly sessionId?: string;
  readonly abortSignal?: AbortSignal;
  readonly identity?: string;
  readonly onFirstCreate?: FirstCreate<RestrictedSandboxSession>;
}
export interface EmberboxHarnessProvider {
  readonly specificationVersion: "harness-sandbox-v1";
  readonly providerId: "emberbox";
  readonly createSession: (options?: CreateSessionOptions) => Promise<NetworkSandboxSession>;
  readonly resumeSession: (options: {
    sessionId: string;
    abortSignal?: AbortSignal;
  }) => Promise<NetworkSandboxSession>;
}
export declare function createEmberboxSandbox(source?: SandboxSource, options?: HarnessSandboxOptions): EmberboxHarnessProvider;
export interface BashToolSandboxOptions extends SandboxSessionOptions {
  readonly timeoutMs?: number | undefined;
}
export interface BashToolSandbox extends AsyncDisposable {
  readonly destination: string;
  executeCommand(command: string): Promise<{
    stdout: string;
    stderr: string;
    exitCode: number;
  }>;
  readFile(path: string): Promise<string>;
  writeFiles(files: readonly {
    readonly path: string;
    readonly content: string | Uint8Array;
  }[]): Promise<void>;
}
export declare function bashToolSandbox(source?: ToolSource, { timeoutMs, ...options }?: BashToolSandboxOptions): BashToolSandbox;
export type SessionSubject = Experimental_SandboxSession & Partial<AsyncDisposable>;
export declare function describeSandboxSession(name: string, create: () => SessionSubject | Promise<SessionSubject>): void;
export {};
