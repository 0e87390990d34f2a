import type { Sandbox } from "@emberbox/core";
import type { Editor, ToolOutputImage } from "@openai/agents-core";
import {
  type ExecCommandArgs,
  type ExposedPortEndpoint,
  type ListDirectoryArgs,
  type Manifest,
  type MaterializeEntryArgs,
  normalizeExposedPort,
  type ReadFileArgs,
  recordExposedPortEndpoint,
  type SandboxArchiveLimits,
  SandboxConfigurationError,
  type SandboxDirectoryEntry,
  type SandboxExecResult,
  type SandboxPreStopHook,
  type SandboxSession,
  validateSandboxArchiveLimits,
  type ViewImageArgs,
  type WorkspaceArchiveData,
  type WorkspaceArchiveOptions,
  WorkspacePathPolicy,
  type WriteStdinArgs,
} from "@openai/agents-core/sandbox";
import {
  formatExecResponse,
  mergeManifestDelta,
  mergeManifestEntryDelta,
  withExclusiveSandboxManifestMutation,
} from "@openai/agents-core/sandbox/internal";
import type { CallCheckpoints, SandboxPosition } from "@emberbox/core/tools";
import { Checkpoints } from "./checkpoints.ts";
import { createEditor } from "./editor.ts";
import { providerError } from "./failure.ts";
import { directoryExists, listDir, pathExists, readFile, viewImage } from "./files.ts";
import { Lifecycle, type LifecycleParts } from "./lifecycle.ts";
import type { Limits } from "./manifest/limits.ts";
import { Materializer } from "./manifest/materialize.ts";
import { ownManifest } from "./manifest/own.ts";
import { checkManifest } from "./manifest/supported.ts";
import { Processes, type ProcessesOptions } from "./processes/processes.ts";
import { archiveWorkspace, unpackWorkspace } from "./snapshots/archive.ts";
import { type EmberboxSessionState, referTo, sessionOf } from "./state.ts";

/** What a session is made of. */
export interface SessionParts extends ProcessesOptions, LifecycleParts {
  readonly limits: Limits;
  readonly archiveLimits: SandboxArchiveLimits | null | undefined;
  readonly checkpoints: CallCheckpoints | undefined;
}

/** A sandbox, in the form that the framework's agents use. `EmberboxSandboxClient` creates these. */
export class EmberboxSandboxSession implements SandboxSession<EmberboxSessionState> {
  readonly state: EmberboxSessionState;
  /** The sandbox itself, for anything that the framework does not offer. */
  readonly sandbox: Sandbox;
  /** @internal */
  readonly lifecycle: Lifecycle;
  readonly #processes: Processes;
  readonly #limits: Limits;
  readonly #checkpoints: Checkpoints | undefined;
  #archiveLimits: SandboxArchiveLimits | null | undefined;

  /** @internal */
  constructor(parts: SessionParts) {
    this.state = parts.state;
    referTo(this, this.state);
    this.sandbox = parts.sandbox;
    this.#processes = new Processes(parts.sandbox, parts);
    this.#limits = parts.limits;
    const { checkpoints, sandbox } = parts;
    this.checkpoints = checkpoints;
    this.#checkpoints =
      checkpoints && new Checkpoints(sandbox, checkpoints, (position) => this.leftAt(position));
    this.#archiveLimits = parts.archiveLimits;
    this.lifecycle = new Lifecycle(parts, () => this.#processes.stop());
  }

  /** How calls leave checkpoints behind, if they do. @internal */
  readonly checkpoints: CallCheckpoints | undefined;

  /** Records where the machine is after a call. @internal */
  leftAt(position: SandboxPosition | undefined): void {
    if (position !== undefined) this.state.position = position;
  }

  /** Makes sure that the sandbox is running. */
  start(): Promise<void> {
    return this.lifecycle.start();
  }

  /** Whether the sandbox is running and answers. */
  running(): Promise<boolean> {
    return this.lifecycle.running();
  }

  /** Registers a hook to run before the session stops; returns a function that removes it. */
  registerPreStopHook(hook: SandboxPreStopHook): () => void {
    return this.lifecycle.registerPreStopHook(hook);
  }

  /** Runs the registered hooks, each once. */
  runPreStopHooks(): Promise<void> {
    return this.lifecycle.runPreStopHooks();
  }

  /** Kills running commands; the sandbox stays. */
  stop(): Promise<void> {
    return this.lifecycle.stop();
  }

  /** Ends the sandbox, unless it was given. */
  shutdown(): Promise<void> {
    return this.lifecycle.shutdown();
  }

  /** Ends the session, and deletes what was kept only for a wait. */
  delete(): Promise<void> {
    return this.lifecycle.delete();
  }

  /** The same as `delete`. */
  close(): Promise<void> {
    return this.lifecycle.delete();
  }

  /** Runs a command and formats the result for a model. */
  async execCommand(args: ExecCommandArgs): Promise<string> {
    return formatExecResponse(await this.exec(args));
  }

  /** Runs a command, with separate streams in the result. */
  async exec(args: ExecCommandArgs): Promise<SandboxExecResult> {
    await this.lifecycle.ready();
    const envs = this.state.environment ?? {};
    const surroundings = { cwd: this.#workdir(args.workdir), envs };
    return this.#around(`exec: ${args.cmd}`, () => this.#processes.exec(args, surroundings));
  }

  /** Writes to a command that is still running, and returns its new output. */
  async writeStdin(args: WriteStdinArgs): Promise<string> {
    await this.lifecycle.ready();
    return this.#around("write_stdin", () => this.#processes.writeStdin(args));
  }

  /** Commands can run in a terminal. */
  supportsPty(): boolean {
    return true;
  }

  /** An editor for `applyPatchTool`, limited to the workspace and granted paths. */
  createEditor(runAs?: string): Editor {
    return createEditor(
      () => this.lifecycle.ready(),
      (path) => this.#path(path, true),
      runAs,
      (label, work) => this.#around(label, work),
    );
  }

  /** Reads a picture, in the form of a tool's output. */
  async viewImage(args: ViewImageArgs): Promise<ToolOutputImage> {
    return viewImage(await this.lifecycle.ready(), this.#resolve, args);
  }

  /** Reads a file. */
  async readFile(args: ReadFileArgs): Promise<Uint8Array> {
    return readFile(await this.lifecycle.ready(), this.#resolve, args);
  }

  /** Lists a directory. */
  async listDir(args: ListDirectoryArgs): Promise<SandboxDirectoryEntry[]> {
    return listDir(await this.lifecycle.ready(), this.#resolve, args);
  }

  /** Whether a path exists; false only when it is known to be missing. */
  async pathExists(path: string, runAs?: string): Promise<boolean> {
    return pathExists(await this.lifecycle.ready(), this.#path(path), runAs);
  }

  /** Whether a path is a directory. */
  async directoryExists(path: string, runAs?: string): Promise<boolean> {
    return directoryExists(await this.lifecycle.ready(), this.#path(path), runAs);
  }

  /** Adds one entry to the manifest and creates it in the workspace. */
  async materializeEntry({ path, entry, runAs }: MaterializeEntryArgs): Promise<void> {
    await this.#change(async (sandbox) => {
      const target = this.#path(path, true);
      const relative = target.slice(this.state.manifest.root.length).replace(/^\/+/, "");
      const next = mergeManifestEntryDelta(this.state.manifest, relative, entry);
      checkManifest(next, sandbox.workspaces);
      await new Materializer(sandbox, next, this.#limits, runAs).entry(target, entry);
      this.state.manifest = next;
    });
  }

  /** Adds a manifest's entries, users, groups and variables to the session. */
  async applyManifest(manifest: Manifest, runAs?: string): Promise<void> {
    const delta = ownManifest(manifest);
    await this.#change(async (sandbox) => {
      const next = mergeManifestDelta(this.state.manifest, delta);
      checkManifest(next, sandbox.workspaces);
      await new Materializer(sandbox, next, this.#limits, runAs).all(delta);
      this.state.environment = { ...this.state.environment, ...(await delta.resolveEnvironment()) };
      this.state.manifest = next;
    });
  }

  /** The workspace as a tar archive. */
  async persistWorkspace(): Promise<Uint8Array> {
    return archiveWorkspace(await this.lifecycle.ready(), this.state.manifest);
  }

  /** Unpacks a tar archive into the workspace. @throws `SandboxArchiveError` */
  async hydrateWorkspace(
    data: WorkspaceArchiveData,
    options: WorkspaceArchiveOptions = {},
  ): Promise<void> {
    const { archiveLimits = this.#archiveLimits } = options;
    await unpackWorkspace(
      await this.lifecycle.ready(),
      this.state.manifest.root,
      data,
      archiveLimits,
    );
  }

  /** Sets the limits for archives that are unpacked from now on. */
  setArchiveLimits(limits?: SandboxArchiveLimits | null): void {
    validateSandboxArchiveLimits(limits);
    this.#archiveLimits = limits;
  }

  /**
   * The address at which a server in the sandbox can be reached.
   * @throws `SandboxProviderError`, and `SandboxConfigurationError` for a port that is not one of `exposedPorts`
   */
  async resolveExposedPort(port: number): Promise<ExposedPortEndpoint> {
    const checked = normalizeExposedPort(port);
    const { configuredExposedPorts: configuredPorts = [] } = this.state;
    if (configuredPorts.length > 0 && !configuredPorts.includes(checked)) {
      throw new SandboxConfigurationError(
        `The port ${checked} is not one of \`exposedPorts\`: ${configuredPorts.join(", ")}`,
        { provider: "EmberboxSandboxClient", port: checked, configuredPorts: [...configuredPorts] },
      );
    }
    const sandbox = await this.lifecycle.ready();
    const url = new URL(
      await sandbox.url(checked).catch((error: unknown) => {
        throw providerError(error, "resolveExposedPort");
      }),
    );
    const tls = url.protocol === "https:";
    const endpoint = { host: url.hostname, port: Number(url.port || (tls ? 443 : 80)), tls };
    return recordExposedPortEndpoint(this.state, endpoint, checked);
  }

  /**
   * Records where the ports are reached, both those that were asked for and those that the state knows: an address that
   * was saved is one of the program that saved it.
   * @internal
   */
  async exposePorts(): Promise<void> {
    const { configuredExposedPorts = [], exposedPorts = {} } = this.state;
    const known = Object.keys(exposedPorts).map(Number);
    delete this.state.exposedPorts;
    const asked = configuredExposedPorts.length > 0 ? configuredExposedPorts : known;
    for (const port of new Set(asked)) await this.resolveExposedPort(port);
  }

  readonly #resolve = (path: string | undefined): string => this.#path(path);

  #path(path: string | undefined, forWrite: boolean = false): string {
    const { root, extraPathGrants } = this.state.manifest;
    return new WorkspacePathPolicy({ root, extraPathGrants }).resolve(path, { forWrite }).path;
  }

  /** A command may start anywhere in the machine, since it can go anywhere. */
  #workdir(workdir: string | undefined): string {
    return workdir?.startsWith("/") ? workdir : this.#path(workdir);
  }

  #around<Result>(label: string, work: () => Promise<Result>): Promise<Result> {
    return this.#checkpoints === undefined ? work() : this.#checkpoints.around(label, work);
  }

  async #change(work: (sandbox: Sandbox) => Promise<void>): Promise<void> {
    const sandbox = await this.lifecycle.ready();
    await withExclusiveSandboxManifestMutation(this.state, () => work(sandbox));
  }
}

/** The session that a state is of, in this program. */
export function liveSessionOf(state: EmberboxSessionState): EmberboxSandboxSession | undefined {
  const session = sessionOf(state);
  return session instanceof EmberboxSandboxSession ? session : undefined;
}
