// deepagents
import { SandboxBackend, SandboxBackendOptions, createSandboxBackend } from "./declarations.js";
export { SandboxBackend, type SandboxBackendOptions, createSandboxBackend };

// index
import { LangChainToolOptions, LangChainTools, SandboxArtifact, SandboxOutput, createSandboxTools } from "./declarations.js";
export { type LangChainToolOptions, LangChainTools, type SandboxArtifact, type SandboxOutput, createSandboxTools };

// middleware
import { SandboxMiddleware, SandboxMiddlewareOptions, createCheckpointMiddleware, createSandboxMiddleware } from "./declarations.js";
export { type SandboxMiddleware, type SandboxMiddlewareOptions, createCheckpointMiddleware, createSandboxMiddleware };

// native
import { NativeExecutors, createNativeExecutors } from "./declarations.js";
export { type NativeExecutors, createNativeExecutors };

// testing
import { describeSandboxBackend } from "./declarations.js";
export { describeSandboxBackend };

// declarations
import { DynamicStructuredTool, ToolRunnableConfig } from "@langchain/core/tools";
import { BashInput, PatchOperation, SandboxSessions, SandboxSessionsOptions, SandboxSource, SandboxTools, TextEditorInput, ToolOptions, ToolResult } from "@emberbox/core/tools";
import { AgentMiddleware } from "langchain";
import { DeleteResult, EditResult, ExecuteResponse, FileDownloadResponse, FileUploadResponse, GlobResult, GrepResult, LsResult, ReadRawResult, ReadResult, SandboxBackendProtocolV2, WriteResult } from "deepagents";
export interface SandboxOutput {
  readonly type: "sandbox_output";
  readonly toolCallId: string | undefined;
  readonly name: string;
  readonly stream: "stdout" | "stderr";
  readonly text: string;
}
export type SandboxArtifact = Pick<ToolResult, "tool" | "isError" | "pictures" | "files" | "data">;
interface ToolRuntimeConfig extends ToolRunnableConfig {
  readonly state?: unknown;
  readonly writer?: ((chunk: SandboxOutput) => unknown) | null;
}
type ThreadOf = (config: ToolRuntimeConfig) => string | undefined;
export type LangChainToolOptions = Omit<ToolOptions, "progressIntervalMs" | "progressBytes">;
export declare class LangChainTools implements AsyncDisposable {
  #private;
  readonly tools: DynamicStructuredTool[];
  constructor(sandbox: SandboxTools, thread?: ThreadOf);
  get sessions(): SandboxSessions;
  [Symbol.asyncDispose](): Promise<void>;
}
export declare function createSandboxTools(source?: SandboxSource | SandboxSessions, options?: LangChainToolOptions): LangChainTools;
export interface SandboxMiddlewareOptions extends LangChainToolOptions {
  readonly scope?: "thread" | "run" | undefined;
  readonly shownPictures?: number | undefined;
}
export type SandboxMiddleware = AgentMiddleware & AsyncDisposable & {
  readonly sessions: SandboxSessions;
};
export declare function createSandboxMiddleware(source?: SandboxSource | SandboxSessions, options?: SandboxMiddlewareOptions): SandboxMiddleware;
export declare function createCheckpointMiddleware(): AgentMiddleware;
export interface SandboxBackendOptions extends SandboxSessionsOptions {
  readonly timeoutMs?: number | undefined;
  readonly maxOutputBytes?: number | undefined;
}
export declare class SandboxBackend implements SandboxBackendProtocolV2, AsyncDisposable {
  #private;
  readonly id: string;
  readonly sessions: SandboxSessions;
  constructor(source?: SandboxSource | SandboxSessions, options?: SandboxBackendOptions, threadId?: string);
  thread(threadId: string | number): SandboxBackend;
  get isRunning(): boolean;
  close(): Promise<void>;
  execute(command: string): Promise<ExecuteResponse>;
  ls(path: string): Promise<LsResult>;
  read(filePath: string, offset?: number, limit?: number): Promise<ReadResult>;
  readRaw(filePath: string): Promise<ReadRawResult>;
  write(filePath: string, content: string): Promise<WriteResult>;
  edit(filePath: string, oldString: string, newString: string, replaceAll?: boolean): Promise<EditResult>;
  delete(filePath: string): Promise<DeleteResult>;
  grep(pattern: string, path?: string | null, filter?: string | null, maxCount?: number | null): Promise<GrepResult>;
  glob(pattern: string, path?: string): Promise<GlobResult>;
  uploadFiles(given: [string, Uint8Array][]): Promise<FileUploadResponse[]>;
  downloadFiles(paths: string[]): Promise<FileDownloadResponse[]>;
  [Symbol.asyncDispose](): Promise<void>;
}
export declare function createSandboxBackend(source?: SandboxSource | SandboxSessions, options?: SandboxBackendOptions): SandboxBackend;
interface ShellAction {
  readonly commands: readonly string[];
  readonly timeout_ms?: number | null;
  readonly max_output_length?: number | null;
}
interface ShellAnswer {
  output: {
    stdout: string;
    stderr: string;
    outcome: {
      type: "exit";
      exit_code: number;
    } | {
      type: "timeout";
    };
  }[];
  maxOutputLength: number | null;
}
interface LocalShellAction {
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly working_directory?: string | null;
  readonly timeout_ms?: number | null;
  readonly user?: string | null;
}
export interface NativeExecutors extends AsyncDisposable {
  readonly sessions: SandboxSessions;
  shell(action: ShellAction): Promise<ShellAnswer>;
  localShell(action: LocalShellAction): Promise<string>;
  applyPatch(operation: PatchOperation): Promise<string>;
  bash(input: BashInput): Promise<string>;
  textEditor(input: TextEditorInput): Promise<string>;
}
export declare function createNativeExecutors(source?: SandboxSource | SandboxSessions, options?: LangChainToolOptions): NativeExecutors;
export declare function describeSandboxBackend(name: string, create: () => SandboxBackendProtocolV2 | Promise<SandboxBackendProtocolV2>): void;
export {};
