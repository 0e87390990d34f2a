import { connectAudited, createAudited } from "./audit/sandbox.ts";
import type {
  BranchOptions,
  CheckpointChanges,
  CheckpointInfo,
  CheckpointOptions,
} from "./checkpoint-options.ts";
import { changesBetween } from "./checkpoints/changes-between.ts";
import {
  branchFrom,
  deleteCheckpoint,
  listCheckpoints,
  makeCheckpoint,
  rollBack,
} from "./checkpoints/checkpoints.ts";
import { Commands } from "./commands/commands.ts";
import { Pty } from "./commands/pty.ts";
import { defaultProvider, providerOf } from "./default-provider.ts";
import { EmberboxError } from "./errors.ts";
import { Files } from "./files/files.ts";
import { fileUrl, type FileUrlOptions } from "./files/file-url.ts";
import { isRunning, readMetrics, type SandboxMetrics } from "./health.ts";
import {
  createCodeContext,
  listCodeContexts,
  removeCodeContext,
  restartCodeContext,
  type CodeContext,
  type CreateCodeContextOptions,
} from "./interpreter/contexts.ts";
import type { Execution } from "./interpreter/execution.ts";
import { runCode, type RunCodeOptions } from "./interpreter/run-code.ts";
import { MCP_PORT, readMcpToken, startMcpGateway } from "./mcp-gateway.ts";
import { portUrl } from "./ports.ts";
import { networkSchema, refuseNetwork } from "./network.ts";
import { lifetime, parseArgument, sandboxId, type RequestOptions } from "./options.ts";
import type {
  Capabilities,
  ConnectOptions,
  NetworkLog,
  NetworkOptions,
  RollbackResult,
  SandboxConnection,
  SandboxInfo,
  SandboxProvider,
  SignalOptions,
  SnapshotInfo,
} from "./provider.ts";
import {
  parseConnect,
  parseConnectOptions,
  parseCreateOptions,
  type ProviderOptions,
  refuseUnclaimed,
  type SandboxConnectOptions,
  type SandboxCreateOptions,
} from "./sandbox-options.ts";
import {
  deleteSnapshot,
  type ForkOptions,
  forkSandbox,
  listSnapshots,
  type ListSnapshotsOptions,
  type PauseOptions,
  pauseSandbox,
  type SnapshotOptions,
  snapshotSandbox,
  unsupported,
} from "./state.ts";
import { inSandboxSpan, inSpan } from "./spans.ts";
import { createRpc } from "./wire/rpc.ts";
import { connectWorkspaces, noWorkspace, prepareWorkspaces } from "./workspace/open.ts";
import type { Workspace } from "./workspace/types.ts";

/**
 * A sandbox: an isolated machine that runs code and commands. Without a `provider` it is a microVM on this machine.
 * `await using` kills it at the end of the scope.
 */
export class Sandbox implements AsyncDisposable {
  readonly sandboxId: string;
  readonly files: Files;
  readonly commands: Commands;
  readonly pty: Pty;
  #workspaces: readonly Workspace[] = [];
  readonly #connection: SandboxConnection;
  readonly #provider: SandboxProvider;

  /** Use `Sandbox.create` or `Sandbox.connect`. */
  constructor(connection: SandboxConnection, provider: SandboxProvider) {
    const rpc = createRpc(connection);
    this.sandboxId = connection.sandboxId;
    this.files = new Files(connection, rpc);
    this.commands = new Commands(connection, rpc);
    this.pty = new Pty(connection, rpc);
    this.#connection = connection;
    this.#provider = provider;
  }

  /**
   * Creates a sandbox from a template or snapshot (`options.template`, by default `default`). It lives for five minutes
   * unless `timeoutMs` says otherwise.
   * @throws `unknown_template`, `invalid_argument`, `unsupported`, and what its provider documents
   */
  static create(options?: SandboxCreateOptions): Promise<Sandbox>;
  /** Creates a sandbox from the named template or snapshot. @throws what `create(options)` does */
  static create(template: string, options?: SandboxCreateOptions): Promise<Sandbox>;
  static async create(
    first?: string | SandboxCreateOptions,
    second?: SandboxCreateOptions,
  ): Promise<Sandbox> {
    const given = typeof first === "string" ? { ...second, template: first } : first;
    const {
      provider = await defaultProvider(),
      audit,
      workspace,
      workspaces,
      ...options
    } = parseCreateOptions(given);
    refuseUnclaimed(provider, options);
    options.signal?.throwIfAborted();
    if (audit !== undefined)
      return createAudited(audit, options, provider, (rest) =>
        this.create({ ...rest, workspace, workspaces }),
      );
    const make = async (): Promise<Sandbox> => {
      const folders = { workspace, workspaces };
      const { mounts, open } = await prepareWorkspaces(provider, folders, options.signal);
      const sandbox = new this(await provider.create({ ...options, ...mounts }), provider);
      try {
        sandbox.#workspaces = await open(sandbox, sandbox.#connection);
        if (options.mcp !== undefined)
          await startMcpGateway(sandbox.commands, options.mcp, options.signal);
        return sandbox;
      } catch (error) {
        await sandbox.kill();
        throw error;
      }
    };
    const facts = { "emberbox.provider": provider.name, "emberbox.template": options.template };
    return inSpan("sandbox.create", facts, make, ({ sandboxId }) => ({
      attributes: { "emberbox.sandbox.id": sandboxId },
    }));
  }

  /**
   * Connects to a sandbox, resuming it if it is paused.
   * @throws `sandbox_not_found`; `snapshot_damaged` or `snapshot_incompatible` when it cannot be resumed
   */
  static async connect(id: string, options?: SandboxConnectOptions): Promise<Sandbox> {
    const { provider = await defaultProvider(), audit, ...rest } = parseConnectOptions(options);
    rest.signal?.throwIfAborted();
    parseArgument(sandboxId, "sandboxId", id);
    const connect = (): Promise<Sandbox> =>
      inSandboxSpan("sandbox.connect", id, async () =>
        new this(await provider.connect(id, rest), provider).#withWorkspaces(),
      );
    return audit === undefined ? connect() : connectAudited(audit, id, connect);
  }

  /** What its provider is asked, as a span. */
  #inSpan<Result>(what: string, work: () => Promise<Result>): Promise<Result> {
    return inSandboxSpan(`sandbox.${what}`, this.sandboxId, work);
  }

  /** A sandbox that was there before has the workspaces that it was created with. */
  async #withWorkspaces(): Promise<this> {
    this.#workspaces = await connectWorkspaces(this.#provider, this, this.#connection);
    return this;
  }

  /** The provider's sandboxes, running and paused. */
  static async list(options?: ProviderOptions): Promise<SandboxInfo[]> {
    return (await providerOf(options)).list();
  }

  /** Kills a sandbox. Resolves to false when no sandbox has that id. */
  static async kill(id: string, options?: ProviderOptions): Promise<boolean> {
    const provider = await providerOf(options);
    return provider.kill(parseArgument(sandboxId, "sandboxId", id));
  }

  /** The provider's snapshots, the newest first. @throws `unsupported` */
  static async listSnapshots(
    options: ListSnapshotsOptions & ProviderOptions = {},
  ): Promise<SnapshotInfo[]> {
    const { provider, ...rest } = options;
    return listSnapshots(await providerOf({ provider }), rest);
  }

  /** Deletes a snapshot by id or name. Resolves to false when there is no such snapshot. @throws `unsupported` */
  static async deleteSnapshot(
    id: string,
    options: SignalOptions & ProviderOptions = {},
  ): Promise<boolean> {
    const { provider, ...rest } = options;
    return deleteSnapshot(await providerOf({ provider }), id, rest);
  }

  /**
   * The checkpoints of a sandbox, also of one that is paused or gone, the oldest first. @throws `unsupported`
   */
  static async history(
    id: string,
    options: SignalOptions & ProviderOptions = {},
  ): Promise<CheckpointInfo[]> {
    const { provider, ...rest } = options;
    const named = parseArgument(sandboxId, "sandboxId", id);
    return listCheckpoints(await providerOf({ provider }), named, rest);
  }

  /**
   * Makes new sandboxes of a checkpoint, also of a sandbox that is paused or gone. For each it returns a sandbox, or the
   * error why there is none.
   * @throws `unsupported`, `checkpoint_not_found`, `host_out_of_memory`
   */
  static async branch(
    id: string,
    checkpointId: string,
    options: BranchOptions & ProviderOptions = {},
  ): Promise<(Sandbox | EmberboxError)[]> {
    const { provider: given, ...rest } = options;
    const provider = await providerOf({ provider: given });
    const named = parseArgument(sandboxId, "sandboxId", id);
    const made = await branchFrom(provider, named, checkpointId, rest);
    return Promise.all(
      made.map(async (each) =>
        EmberboxError.isInstance(each) ? each : new this(each, provider).#withWorkspaces(),
      ),
    );
  }

  /**
   * Runs code like a notebook cell: variables stay for the next call in the same context. An exception that the code
   * raises is in the result's `error`.
   * @throws `timeout` and `out_of_memory`, with the `execution` so far in the details; the signal's reason
   */
  runCode(code: string, options?: RunCodeOptions): Promise<Execution> {
    return inSandboxSpan(
      "sandbox.run_code",
      this.sandboxId,
      () => runCode(this.#connection, code, options),
      {
        attributes: { "emberbox.language": options?.language },
        describe: ({ error }) => ({ "emberbox.code.raised": error !== undefined }),
      },
    );
  }

  /** Starts an interpreter with its own namespace. @throws `unknown_language` */
  createCodeContext(options?: CreateCodeContextOptions): Promise<CodeContext> {
    return createCodeContext(this.#connection, options);
  }

  /** Lists the sandbox's current contexts. */
  listCodeContexts(options?: RequestOptions): Promise<CodeContext[]> {
    return listCodeContexts(this.#connection, options);
  }

  /** Ends a context's interpreter. @throws `context_not_found` */
  removeCodeContext(context: CodeContext | string, options?: RequestOptions): Promise<void> {
    return removeCodeContext(this.#connection, context, options);
  }

  /** Restarts a context's interpreter, without its variables. @throws `context_not_found` */
  restartCodeContext(context: CodeContext | string, options?: RequestOptions): Promise<void> {
    return restartCodeContext(this.#connection, context, options);
  }

  /** What its provider can do. */
  get capabilities(): Capabilities {
    return this.#provider.capabilities;
  }

  /** What the provider knows about it. @throws `sandbox_not_found` */
  getInfo(): Promise<SandboxInfo> {
    return this.#provider.getInfo(this.sandboxId);
  }

  /** How busy it is: samples, the newest last. */
  async getMetrics(options?: RequestOptions): Promise<SandboxMetrics[]> {
    return [await readMetrics(this.#connection, options)];
  }

  /** The folders of this machine that it works on, in the order in which they were given. */
  get workspaces(): readonly Workspace[] {
    return this.#workspaces;
  }

  /** The folder that it works on, the first one of several. @throws `invalid_argument` when it has none */
  get workspace(): Workspace {
    const [first] = this.#workspaces;
    if (first !== undefined) return first;
    throw noWorkspace(this.#provider);
  }

  /** Why it is gone, as far as is known without asking it; `undefined` while it runs. */
  get gone(): Error | undefined {
    return this.#connection.gone();
  }

  /**
   * Aborted once it has ended, as far as is known without asking it, with `gone` as its reason. A pause does not count.
   * `undefined` when the provider cannot tell.
   */
  get ended(): AbortSignal | undefined {
    return this.#connection.ended;
  }

  /** Whether it answers. */
  isRunning(options?: RequestOptions): Promise<boolean> {
    return isRunning(this.#connection, options);
  }

  /** Makes it end that many milliseconds from now. @throws `unsupported`, `sandbox_not_found` */
  async setTimeout(timeoutMs: number): Promise<void> {
    parseArgument(lifetime, "timeoutMs", timeoutMs);
    if (this.#provider.setTimeout === undefined) {
      throw unsupported(this.#provider, "change a sandbox's lifetime");
    }
    await this.#provider.setTimeout(this.sandboxId, timeoutMs);
  }

  /**
   * Saves it to disk, with its memory unless told otherwise, until `connect` resumes it. Running calls reject with
   * `sandbox_paused`. Resolves to false when it was already paused.
   * @throws `unsupported`, `sandbox_not_found`, `host_disk_full` (it then keeps running)
   */
  pause(options?: PauseOptions): Promise<boolean> {
    return this.#inSpan("pause", () => pauseSandbox(this.#provider, this.sandboxId, options));
  }

  /** Resumes it if it is paused. This object, and all others of the same sandbox, work again. */
  async connect(options?: ConnectOptions): Promise<this> {
    const parsed = parseConnect(options);
    parsed.signal?.throwIfAborted();
    await this.#inSpan("connect", () => this.#provider.connect(this.sandboxId, parsed));
    return this;
  }

  /**
   * Saves a copy of it to disk, from which any number of sandboxes can be created (`template: snapshotId`). It keeps
   * running.
   * @throws `unsupported`, `sandbox_not_found`, `host_disk_full`
   */
  createSnapshot(options?: SnapshotOptions): Promise<SnapshotInfo> {
    return this.#inSpan("snapshot", () => snapshotSandbox(this.#provider, this.sandboxId, options));
  }

  /** The snapshots taken of it, the newest first. @throws `unsupported` */
  listSnapshots(options?: SignalOptions): Promise<SnapshotInfo[]> {
    return listSnapshots(this.#provider, { ...options, sandboxId: this.sandboxId });
  }

  /**
   * Copies it while it runs, undisturbed. For each copy it returns a sandbox, or the error why there is none.
   * @throws `unsupported`, `sandbox_not_found`, `host_out_of_memory`
   */
  async fork(options?: ForkOptions): Promise<(this | EmberboxError)[]> {
    return this.#inSpan("fork", async () =>
      this.#copies(await forkSandbox(this.#provider, this.sandboxId, options)),
    );
  }

  #copies(made: readonly (SandboxConnection | EmberboxError)[]): Promise<(this | EmberboxError)[]> {
    const Same = this.constructor as new (...of: ConstructorParameters<typeof Sandbox>) => this;
    return Promise.all(
      made.map(async (copy) =>
        EmberboxError.isInstance(copy) ? copy : new Same(copy, this.#provider).#withWorkspaces(),
      ),
    );
  }

  /**
   * Saves it as a point to go back to, if it has changed since the last one; otherwise the last one is returned, with
   * `unchanged`. It keeps running.
   * @throws `unsupported`, `sandbox_not_found`, `sandbox_paused`, `host_disk_full`
   */
  checkpoint(options?: CheckpointOptions): Promise<CheckpointInfo> {
    return this.#inSpan("checkpoint", () =>
      makeCheckpoint(this.#provider, this.sandboxId, options),
    );
  }

  /** Its checkpoints, the oldest first: a tree by `parentId`, with the `current` one marked. @throws `unsupported` */
  history(options?: SignalOptions): Promise<CheckpointInfo[]> {
    return listCheckpoints(this.#provider, this.sandboxId, options);
  }

  /**
   * Takes it back to a checkpoint: disk, memory and processes are as they were then. Its id, this object and its URLs
   * stay, and so do its lifetime, secrets and network policy of now. Calls under way reject with `rolled_back`. On
   * failure it goes on as it was.
   * @throws `unsupported`, `checkpoint_not_found`, `snapshot_damaged`, `snapshot_incompatible`, `sandbox_not_found`
   */
  rollback(checkpointId: string, options?: SignalOptions): Promise<RollbackResult> {
    return this.#inSpan("rollback", () =>
      rollBack(this.#provider, this.sandboxId, checkpointId, options),
    );
  }

  /**
   * Makes new sandboxes of a checkpoint; this one goes on. For each it returns a sandbox, or the error why there is none.
   * @throws `unsupported`, `checkpoint_not_found`, `host_out_of_memory`
   */
  async branch(checkpointId: string, options?: BranchOptions): Promise<(this | EmberboxError)[]> {
    return this.#inSpan("branch", async () =>
      this.#copies(await branchFrom(this.#provider, this.sandboxId, checkpointId, options)),
    );
  }

  /**
   * Which files on its disk and which variables of Python's default context differ between two checkpoints, or one and
   * `"now"`. It compares short-lived copies that have no network, which takes seconds.
   * @throws `unsupported` also without GNU's `find` inside, `checkpoint_not_found`, `host_out_of_memory`
   */
  changesBetween(
    before: string,
    after: string,
    options?: SignalOptions,
  ): Promise<CheckpointChanges> {
    return changesBetween(this.#provider, this.sandboxId, [before, after], options);
  }

  /** Deletes a checkpoint; those after it stay usable. Resolves to false when there is none. @throws `unsupported` */
  deleteCheckpoint(checkpointId: string, options?: SignalOptions): Promise<boolean> {
    return deleteCheckpoint(this.#provider, this.sandboxId, checkpointId, options);
  }

  /**
   * The host and port at which a server that listens on a port of the sandbox can be reached from outside: over HTTP,
   * WebSocket, or any protocol over TCP that the provider passes on. Unlike E2B's, it returns a promise, since a local
   * sandbox opens the port only on request; `await` works with both.
   * @throws `invalid_argument`, `unsupported`, `sandbox_closed`
   */
  async getHost(port: number): Promise<string> {
    return new URL(await this.url(port)).host;
  }

  /** The same address as an origin, `http://` or `https://`. */
  url(port: number): Promise<string> {
    return portUrl(this.#connection, this.#provider, port);
  }

  /**
   * Where the sandbox's MCP servers are reached, all at one address, over streamable HTTP and with
   * `Authorization: Bearer` and `getMcpToken()`. Unlike E2B's, it returns a promise.
   * @throws what `url` does
   */
  async getMcpUrl(): Promise<string> {
    return `${await this.url(MCP_PORT)}/mcp`;
  }

  /** The token for `getMcpUrl()`; `undefined` unless the sandbox was created with `mcp`. */
  getMcpToken(): Promise<string | undefined> {
    return readMcpToken(this.files);
  }

  /**
   * The value that requests to `getHost` and `url` must carry in the header `e2b-traffic-access-token`; `undefined`
   * unless the sandbox was created with `network: { allowPublicTraffic: false }`.
   */
  get trafficAccessToken(): string | undefined {
    return this.#connection.trafficAccessToken;
  }

  /**
   * Replaces what it may reach, and closes connections that are no longer allowed. Secrets stay as they are.
   * @throws `unsupported`, `sandbox_not_found`, `invalid_argument`
   */
  async updateNetwork(network: boolean | NetworkOptions): Promise<void> {
    const parsed = parseArgument(networkSchema, "network", network);
    if (!this.#provider.updateNetwork) {
      throw unsupported(this.#provider, "change the network of a sandbox that runs");
    }
    refuseNetwork(this.#provider, parsed);
    await this.#provider.updateNetwork(this.sandboxId, parsed);
  }

  /** What it reached and what it was refused. @throws `unsupported`, `sandbox_not_found` */
  async getNetworkLog(): Promise<NetworkLog> {
    if (!this.#provider.getNetworkLog) {
      throw unsupported(this.#provider, "tell what a sandbox reached");
    }
    return this.#provider.getNetworkLog(this.sandboxId);
  }

  /**
   * A URL from which anyone who has it can download that file, without further credentials.
   * @throws `unsupported` when nobody else can reach the provider's sandboxes
   */
  downloadUrl(path: string, options?: FileUrlOptions): Promise<string> {
    return fileUrl(this.#connection, this.#provider, "read", path, options);
  }

  /**
   * A URL to which anyone who has it can upload that file, as multipart (field `file`) or octet-stream.
   * @throws `unsupported`
   */
  uploadUrl(path: string, options?: FileUrlOptions): Promise<string> {
    return fileUrl(this.#connection, this.#provider, "write", path, options);
  }

  /** Kills it, whatever it is doing. Resolves to false when it was already gone. */
  kill(): Promise<boolean> {
    return this.#provider.kill(this.sandboxId);
  }

  /** Kills it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
