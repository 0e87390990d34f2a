import { Commands } from "./commands/commands.ts";
import { Pty } from "./commands/pty.ts";
import { EmberboxError } from "./errors.ts";
import { Files } from "./files/files.ts";
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
import { parseArgument, sandboxId, timeout, type RequestOptions } from "./options.ts";
import type { SandboxConnection, SandboxInfo, SandboxProvider } from "./provider.ts";
import {
  parseConnectOptions,
  parseCreateOptions,
  parseProviderOptions,
  type ProviderOptions,
  type SandboxConnectOptions,
  type SandboxCreateOptions,
} from "./sandbox-options.ts";
import { createRpc } from "./wire/rpc.ts";

/**
 * A sandbox: a machine of its own that runs code and commands. `await using` kills it at the end of
 * the scope.
 */
export class Sandbox implements AsyncDisposable {
  readonly sandboxId: string;
  readonly files: Files;
  readonly commands: Commands;
  readonly pty: Pty;
  readonly #connection: SandboxConnection;
  readonly #provider: SandboxProvider;

  /** `Sandbox.create` and `Sandbox.connect` make these. */
  constructor(connection: SandboxConnection, provider: SandboxProvider) {
    const rpc = createRpc(connection);
    this.sandboxId = connection.sandboxId;
    this.files = new Files(connection, rpc);
    this.commands = new Commands(connection, rpc);
    this.pty = new Pty(connection, rpc);
    this.#connection = connection;
    this.#provider = provider;
  }

  /** Creates a sandbox. @throws `unknown_template`, `invalid_argument`, and what its provider documents */
  static create(options: SandboxCreateOptions): Promise<Sandbox>;
  static create(template: string, options: SandboxCreateOptions): Promise<Sandbox>;
  static async create(
    first: string | SandboxCreateOptions,
    second?: SandboxCreateOptions,
  ): Promise<Sandbox> {
    const given = typeof first === "string" ? { ...second, template: first } : first;
    const { provider, ...options } = parseCreateOptions(given);
    options.signal?.throwIfAborted();
    return new this(await provider.create(options), provider);
  }

  /** Connects to a sandbox that runs. @throws `sandbox_not_found` */
  static async connect(id: string, options: SandboxConnectOptions): Promise<Sandbox> {
    const { provider, ...rest } = parseConnectOptions(options);
    rest.signal?.throwIfAborted();
    return new this(
      await provider.connect(parseArgument(sandboxId, "sandboxId", id), rest),
      provider,
    );
  }

  /** The provider's sandboxes that run. */
  static async list(options: ProviderOptions): Promise<SandboxInfo[]> {
    return parseProviderOptions(options).provider.list();
  }

  /** Kills a sandbox. Resolves to false when there is none with that id. */
  static async kill(id: string, options: ProviderOptions): Promise<boolean> {
    const { provider } = parseProviderOptions(options);
    return provider.kill(parseArgument(sandboxId, "sandboxId", id));
  }

  /**
   * Runs code as a cell of a notebook: variables stay for the next call with the same context.
   * An exception that the code raises is in the result's `error`.
   * @throws `timeout` and `out_of_memory`, with the `execution` so far in the details; the signal's reason
   */
  runCode(code: string, options?: RunCodeOptions): Promise<Execution> {
    return runCode(this.#connection, code, options);
  }

  /** Starts an interpreter with a namespace of its own. @throws `unknown_language` */
  createCodeContext(options?: CreateCodeContextOptions): Promise<CodeContext> {
    return createCodeContext(this.#connection, options);
  }

  listCodeContexts(options?: RequestOptions): Promise<CodeContext[]> {
    return listCodeContexts(this.#connection, options);
  }

  /** Ends a context's interpreter. @throws `context_not_found` */
  removeCodeContext(context: CodeContext | string, options?: RequestOptions): Promise<void> {
    return removeCodeContext(this.#connection, context, options);
  }

  /** Starts a context's interpreter afresh, without its variables. @throws `context_not_found` */
  restartCodeContext(context: CodeContext | string, options?: RequestOptions): Promise<void> {
    return restartCodeContext(this.#connection, context, options);
  }

  /** What the provider knows of it. @throws `sandbox_not_found` */
  getInfo(): Promise<SandboxInfo> {
    return this.#provider.getInfo(this.sandboxId);
  }

  /** How busy it is, the newest sample last. */
  async getMetrics(options?: RequestOptions): Promise<SandboxMetrics[]> {
    return [await readMetrics(this.#connection, options)];
  }

  /** True when it answers. */
  isRunning(options?: RequestOptions): Promise<boolean> {
    return isRunning(this.#connection, options);
  }

  /** Sets the end of its life to that many milliseconds from now. @throws `unsupported`, `sandbox_not_found` */
  async setTimeout(timeoutMs: number): Promise<void> {
    parseArgument(timeout, "timeoutMs", timeoutMs);
    if (this.#provider.setTimeout === undefined) {
      throw new EmberboxError(
        "unsupported",
        `The provider ${this.#provider.name} cannot change a sandbox's lifetime`,
      );
    }
    await this.#provider.setTimeout(this.sandboxId, timeoutMs);
  }

  /** Ends it, whatever it is doing. Resolves to false when it was gone already. */
  kill(): Promise<boolean> {
    return this.#provider.kill(this.sandboxId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
