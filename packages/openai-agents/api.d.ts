// index
import { AgentSandboxTools, CapabilitiesOptions, EmberboxSandboxClient, EmberboxSandboxClientOptions, EmberboxSandboxSession, ReturnOptions, RunCodeOptions, SandboxToolsOptions, SavedRun, capabilities, runCode, sandboxTools } from "./declarations.js";
export { type AgentSandboxTools, type CapabilitiesOptions, EmberboxSandboxClient, type EmberboxSandboxClientOptions, type EmberboxSandboxSession, type ReturnOptions, type RunCodeOptions, type SandboxToolsOptions, type SavedRun, capabilities, runCode, sandboxTools };

// declarations
import { Capability, ExecCommandArgs, ExposedPortEndpoint, ListDirectoryArgs, Manifest, MaterializeEntryArgs, ReadFileArgs, SandboxArchiveLimits, SandboxClient, SandboxClientCreateArgs, SandboxClientResumeOptions, SandboxConcurrencyLimits, SandboxDirectoryEntry, SandboxExecResult, SandboxPreStopHook, SandboxPreservedSessionReuseOptions, SandboxSession, SandboxSessionResumeValidationInput, SandboxSessionSerializationOptions, SandboxSessionState, SnapshotSpec, ViewImageArgs, WorkspaceArchiveData, WorkspaceArchiveOptions, WriteStdinArgs } from "@openai/agents-core/sandbox";
import { Sandbox } from "@emberbox/core";
import { CallCheckpoints, SandboxPosition, SandboxSource, SandboxTools, SessionCreateOptions, ToolOptions, ToolOutput } from "@emberbox/core/tools";
import { Editor, FunctionTool, Shell, ToolOutputImage } from "@openai/agents-core";
import { SignalOptions } from "@emberbox/core/provider";
export interface EmberboxSandboxClientOptions extends SessionCreateOptions {
  readonly sandbox?: Sandbox | undefined;
  readonly commandTimeoutMs?: number | undefined;
  readonly snapshot?: SnapshotSpec | undefined;
  readonly exposedPorts?: readonly number[] | undefined;
  readonly checkpoints?: CallCheckpoints | undefined;
  readonly concurrencyLimits?: SandboxConcurrencyLimits | undefined;
  readonly archiveLimits?: SandboxArchiveLimits | null | undefined;
  readonly onOutput?: ((output: ToolOutput) => unknown) | undefined;
  readonly signal?: AbortSignal | undefined;
}
type ClientOptions = EmberboxSandboxClientOptions & Record<string, unknown>;
interface EmberboxSessionState extends SandboxSessionState {
  sandboxId: string;
  snapshotAutomatic?: boolean;
  position?: SandboxPosition;
  snapshotSpec?: SnapshotSpec | null;
  configuredExposedPorts?: readonly number[];
}
export declare class EmberboxSandboxSession implements SandboxSession<EmberboxSessionState> {
  #private;
  readonly state: EmberboxSessionState;
  readonly sandbox: Sandbox;
  start(): Promise<void>;
  running(): Promise<boolean>;
  registerPreStopHook(hook: SandboxPreStopHook): () => void;
  runPreStopHooks(): Promise<void>;
  stop(): Promise<void>;
  shutdown(): Promise<void>;
  delete(): Promise<void>;
  close(): Promise<void>;
  execCommand(args: ExecCommandArgs): Promise<string>;
  exec(args: ExecCommandArgs): Promise<SandboxExecResult>;
  writeStdin(args: WriteStdinArgs): Promise<string>;
  supportsPty(): boolean;
  createEditor(runAs?: string): Editor;
  viewImage(args: ViewImageArgs): Promise<ToolOutputImage>;
  readFile(args: ReadFileArgs): Promise<Uint8Array>;
  listDir(args: ListDirectoryArgs): Promise<SandboxDirectoryEntry[]>;
  pathExists(path: string, runAs?: string): Promise<boolean>;
  directoryExists(path: string, runAs?: string): Promise<boolean>;
  materializeEntry({ path, entry, runAs }: MaterializeEntryArgs): Promise<void>;
  applyManifest(manifest: Manifest, runAs?: string): Promise<void>;
  persistWorkspace(): Promise<Uint8Array>;
  hydrateWorkspace(data: WorkspaceArchiveData, options?: WorkspaceArchiveOptions): Promise<void>;
  setArchiveLimits(limits?: SandboxArchiveLimits | null): void;
  resolveExposedPort(port: number): Promise<ExposedPortEndpoint>;
}
type State = EmberboxSessionState;
export declare class EmberboxSandboxClient implements SandboxClient<ClientOptions, State> {
  #private;
  readonly backendId: string;
  constructor(options?: EmberboxSandboxClientOptions);
  create(first?: SandboxClientCreateArgs<ClientOptions> | Manifest, second?: ClientOptions): Promise<EmberboxSandboxSession>;
  validateSessionStateForResume({ state }: SandboxSessionResumeValidationInput<State>, options?: SandboxClientResumeOptions<ClientOptions>): void;
  resume(state: State, { archiveLimits, clientOptions }?: SandboxClientResumeOptions<ClientOptions>): Promise<EmberboxSandboxSession>;
  serializeSessionState(state: State, options?: SandboxSessionSerializationOptions): Promise<Record<string, unknown>>;
  deserializeSessionState(record: Record<string, unknown>): Promise<State>;
  canPersistOwnedSessionState(state: State): boolean;
  canReusePreservedOwnedSession(state: State, _options?: SandboxPreservedSessionReuseOptions<ClientOptions>): boolean;
  delete(state: State): Promise<void>;
}
interface AsFunctionToolOptions {
  readonly needsApproval?: boolean | undefined;
  readonly onOutput?: ((output: ToolOutput, call: {
    readonly toolCallId?: string | undefined;
  }) => unknown) | undefined;
  threadId?(context: unknown): string | undefined;
}
export interface RunCodeOptions extends Pick<ToolOptions, "timeoutMs" | "maxTimeoutMs" | "maxOutputBytes" | "maxPictureBytes" | "maxPictures" | "reportFiles">, Pick<AsFunctionToolOptions, "needsApproval" | "onOutput"> {}
export declare function runCode(options?: RunCodeOptions): Capability;
export interface CapabilitiesOptions {
  readonly timeoutMs?: number | undefined;
  readonly functionsOnly?: boolean | undefined;
  readonly runCode?: RunCodeOptions | false | undefined;
  readonly needsApproval?: boolean | undefined;
}
export declare function capabilities(options?: CapabilitiesOptions): Capability[];
export interface SandboxToolsOptions extends ToolOptions, AsFunctionToolOptions {}
export interface SavedRun {
  readonly _generatedItems: readonly object[];
}
export interface ReturnOptions extends SignalOptions {
  readonly threadId?: string | undefined;
}
export interface AgentSandboxTools extends AsyncDisposable {
  readonly tools: FunctionTool[];
  readonly shell: Shell;
  readonly editor: Editor;
  returnTo(state: SavedRun, options?: ReturnOptions): Promise<void>;
  readonly sandboxTools: SandboxTools;
}
export declare function sandboxTools(source?: SandboxSource, options?: SandboxToolsOptions): AgentSandboxTools;
export {};
