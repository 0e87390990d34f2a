import { z } from "zod";
import {
  callback,
  envs,
  type FieldsOf,
  milliseconds,
  parseArgument,
  parseOptions,
  requestFields,
  requestOptions,
  type RequestOptions,
  text,
  user,
} from "../options.ts";
import type { SandboxConnection } from "../provider.ts";
import { inSandboxSpan } from "../spans.ts";
import { callRpc } from "../wire/rpc-call.ts";
import type { Rpc } from "../wire/rpc.ts";
import { processControl } from "./control.ts";
import { CommandHandle, type ProcessControl } from "./handle.ts";
import type { OpenedProcess } from "./stream.ts";
import { commandLine, processOpener, type ProcessOpener } from "./open.ts";
import {
  bytesSink,
  textSink,
  type CommandResult,
  type OutputCallback,
  type Sink,
} from "./output.ts";

const DEFAULT_TIMEOUT_MS = 60_000;

/** How a command runs, for how long, and where its output goes. */
export interface CommandOptions extends RequestOptions {
  /** Resolves with a handle once the command has started, instead of waiting for it to end. @default false */
  readonly background?: boolean | undefined;
  /** @default the user's home directory */
  readonly cwd?: string | undefined;
  /** The user to run as. @default the sandbox's user */
  readonly user?: string | undefined;
  readonly envs?: Readonly<Record<string, string>> | undefined;
  /** Keeps standard input open for `sendStdin`. @default false */
  readonly stdin?: boolean | undefined;
  readonly onStdout?: OutputCallback | undefined;
  readonly onStderr?: OutputCallback | undefined;
  /** How long it may run, in milliseconds, before it is killed; 0 for no limit. @default 60_000, or 0 in the background */
  readonly timeoutMs?: number | undefined;
}

/** Options of `stream`: those of `run`, with output as bytes. */
export interface StreamCommandOptions extends Omit<
  CommandOptions,
  "background" | "onStdout" | "onStderr"
> {
  readonly onStdout?: OutputCallback<Uint8Array> | undefined;
  readonly onStderr?: OutputCallback<Uint8Array> | undefined;
  /** How long it may run, in milliseconds, before it is killed; 0 for no limit. @default 0 */
  readonly timeoutMs?: number | undefined;
}

/** How to receive the output of a command that is already running. */
export interface ConnectCommandOptions extends RequestOptions {
  readonly onStdout?: OutputCallback | undefined;
  readonly onStderr?: OutputCallback | undefined;
  /** How long to stay connected, in milliseconds; 0 for no limit. The command itself keeps running. @default 0 */
  readonly timeoutMs?: number | undefined;
}

/** A running process that was started through this API. */
export interface ProcessInfo {
  readonly pid: number;
  readonly tag: string | undefined;
  readonly cmd: string;
  readonly args: readonly string[];
  readonly envs: Readonly<Record<string, string>>;
  readonly cwd: string | undefined;
}

const command = z
  .string()
  .regex(/^[^\0]*$/)
  .describe("a string without NUL");
const flag = z.boolean().optional().describe("true or false");
const outputFields = {
  ...requestFields,
  timeoutMs: milliseconds,
  onStdout: callback<OutputCallback>(),
  onStderr: callback<OutputCallback>(),
};
const runSchema = z.strictObject({
  ...outputFields,
  background: flag,
  cwd: text,
  user,
  envs,
  stdin: flag,
} satisfies FieldsOf<CommandOptions>);
const { background: _background, ...streamFields } = runSchema.shape;
const streamSchema = z.strictObject({
  ...streamFields,
  onStdout: callback<OutputCallback<Uint8Array>>(),
  onStderr: callback<OutputCallback<Uint8Array>>(),
} satisfies FieldsOf<StreamCommandOptions>);
const connectSchema = z.strictObject(outputFields satisfies FieldsOf<ConnectCommandOptions>);

type StartOptions = Omit<CommandOptions, "background" | "onStdout" | "onStderr"> & {
  readonly sink: Sink;
};

/** Commands in the sandbox, run by `/bin/bash -l -c`. */
export class Commands {
  readonly #connection: SandboxConnection;
  readonly #rpc: Rpc;
  readonly #control: ProcessControl;
  readonly #opener: ProcessOpener;

  /** @internal Use `sandbox.commands` instead of creating one. */
  constructor(connection: SandboxConnection, rpc: Rpc) {
    this.#connection = connection;
    this.#rpc = rpc;
    this.#control = processControl(connection, rpc, "stdin");
    this.#opener = processOpener(connection, rpc, this.#control);
  }

  /**
   * Runs a command line. A non-zero exit code is a result and does not throw (E2B's SDK throws). An abort kills the
   * command and everything it started, and rejects at once with the signal's reason.
   * @throws `timeout` and `out_of_memory`, with the `stdout` and `stderr` so far in the details
   */
  run(
    cmd: string,
    options?: CommandOptions & { readonly background?: false | undefined },
  ): Promise<CommandResult>;
  /** Starts a command in the background and resolves to its handle. `timeoutMs` defaults to 0, for no limit. */
  run(cmd: string, options: CommandOptions & { readonly background: true }): Promise<CommandHandle>;
  /** Runs a command in the foreground, or starts it in the background, as `options.background` says. */
  run(cmd: string, options?: CommandOptions): Promise<CommandResult | CommandHandle>;
  run(cmd: string, options?: CommandOptions): Promise<CommandResult | CommandHandle> {
    return inSandboxSpan(
      "commands.run",
      this.#connection.sandboxId,
      () => this.#run(cmd, options),
      {
        attributes: { "emberbox.background": options?.background },
        describe: (result) => ({
          "emberbox.exit_code": result instanceof CommandHandle ? undefined : result.exitCode,
        }),
      },
    );
  }

  async #run(cmd: string, options?: CommandOptions): Promise<CommandResult | CommandHandle> {
    const { background = false, ...checked } = parseOptions(runSchema, options);
    const { pid, stream } = await this.#start(cmd, {
      ...checked,
      timeoutMs: checked.timeoutMs ?? (background ? 0 : DEFAULT_TIMEOUT_MS),
      sink: textSink(checked.onStdout, checked.onStderr),
    });
    return background ? new CommandHandle(pid, stream, this.#control) : stream.result;
  }

  /** Starts a command whose output is passed on as raw bytes and not kept, so its result has no text. */
  async stream(cmd: string, options?: StreamCommandOptions): Promise<CommandHandle> {
    const checked = parseOptions(streamSchema, options);
    const sink = bytesSink(checked.onStdout, checked.onStderr);
    const { pid, stream } = await this.#start(cmd, { ...checked, sink });
    return new CommandHandle(pid, stream, this.#control);
  }

  #start(cmd: string, options: StartOptions): Promise<OpenedProcess> {
    const { cwd, envs: environment = {}, stdin = false, ...open } = options;
    const process = {
      ...commandLine(parseArgument(command, "cmd", cmd)),
      envs: environment,
      ...(cwd !== undefined && { cwd }),
    };
    return this.#opener.start({ process, stdin }, open);
  }

  /** Receives what a running command prints from now on. @throws `process_not_found` */
  async connect(pid: number, options?: ConnectCommandOptions): Promise<CommandHandle> {
    const checked = parseOptions(connectSchema, options);
    const sink = textSink(checked.onStdout, checked.onStderr);
    return this.#opener.connect(pid, { ...checked, sink });
  }

  /** Lists the running commands and terminals. */
  async list(options?: RequestOptions): Promise<ProcessInfo[]> {
    const checked = parseOptions(requestOptions, options);
    const { processes } = await callRpc(this.#connection, checked, "process_not_found", (call) =>
      this.#rpc.process.list({}, call),
    );
    return processes.map(({ pid, tag, config }) => ({
      pid,
      tag,
      cmd: config?.cmd ?? "",
      args: config?.args ?? [],
      envs: config?.envs ?? {},
      cwd: config?.cwd,
    }));
  }

  /** Kills a command and everything it started (SIGKILL). Resolves to false when no process has that id. */
  kill(pid: number, options?: RequestOptions): Promise<boolean> {
    return this.#control.kill(pid, options);
  }

  /** Writes to a command's standard input. @throws `process_not_found` */
  sendStdin(pid: number, data: string | Uint8Array, options?: RequestOptions): Promise<void> {
    return this.#control.sendInput(pid, data, options);
  }

  /** Closes a command's standard input. @throws `process_not_found` */
  closeStdin(pid: number, options?: RequestOptions): Promise<void> {
    return this.#control.closeStdin(pid, options);
  }
}
