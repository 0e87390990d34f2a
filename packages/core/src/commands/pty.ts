import { z } from "zod";
import {
  envs,
  milliseconds,
  type FieldsOf,
  parseOptions,
  requestFields,
  requestOptions,
  text,
  user,
  type RequestOptions,
} from "../options.ts";
import type { SandboxConnection } from "../provider.ts";
import { callRpc } from "../wire/rpc-call.ts";
import type { Rpc } from "../wire/rpc.ts";
import { processControl, selectPid } from "./control.ts";
import { CommandHandle, type ProcessControl } from "./handle.ts";
import { commandLine, processOpener, type ProcessOpener } from "./open.ts";
import { terminalSink, type OutputCallback } from "./output.ts";

/** The size of a terminal, in characters; 0 where it is not known. */
export interface PtySize {
  readonly cols: number;
  readonly rows: number;
}

/** How to receive what a terminal shows. */
export interface PtyConnectOptions extends RequestOptions {
  /** Called with what the terminal shows. */
  readonly onData: OutputCallback<Uint8Array>;
  /**
   * How long to stay connected to an existing terminal, or how long a new one may run, in milliseconds; 0 for no limit.
   * @default 0
   */
  readonly timeoutMs?: number | undefined;
}

/** What a new terminal runs, how large it is, and where its output goes. */
export interface PtyCreateOptions extends PtyConnectOptions, PtySize {
  /** A command line to run instead of a login shell. */
  readonly cmd?: string | undefined;
  /** @default the user's home directory */
  readonly cwd?: string | undefined;
  readonly envs?: Readonly<Record<string, string>> | undefined;
  /** @default the sandbox's user */
  readonly user?: string | undefined;
}

const TERMINAL_ENVS = { TERM: "xterm-256color", LANG: "C.UTF-8", LC_ALL: "C.UTF-8" };
const side = z.int().min(0).max(65_535).describe("an integer from 0 to 65535");
const onData = z
  .custom<OutputCallback<Uint8Array>>((value) => typeof value === "function")
  .describe("a function");
const connectSchema = z.strictObject({
  ...requestFields,
  timeoutMs: milliseconds,
  onData,
} satisfies FieldsOf<PtyConnectOptions>);
const createSchema = z.strictObject({
  ...connectSchema.shape,
  cols: side,
  rows: side,
  cmd: text,
  cwd: text,
  envs,
  user,
} satisfies FieldsOf<PtyCreateOptions>);
const sizeSchema = z.strictObject({ cols: side, rows: side } satisfies FieldsOf<PtySize>);

/** Terminals in the sandbox. */
export class Pty {
  readonly #connection: SandboxConnection;
  readonly #rpc: Rpc;
  readonly #control: ProcessControl;
  readonly #opener: ProcessOpener;

  /** @internal Use `sandbox.pty` instead of creating one. */
  constructor(connection: SandboxConnection, rpc: Rpc) {
    this.#connection = connection;
    this.#rpc = rpc;
    this.#control = processControl(connection, rpc, "pty");
    this.#opener = processOpener(connection, rpc, this.#control);
  }

  /** Opens a terminal with a login shell, or for one command. */
  async create(options: PtyCreateOptions): Promise<CommandHandle> {
    const { cols, rows, cmd, cwd, envs: extra, ...checked } = parseOptions(createSchema, options);
    const process = {
      ...(cmd === undefined ? { cmd: "/bin/bash", args: ["-i", "-l"] } : commandLine(cmd)),
      envs: { ...TERMINAL_ENVS, ...extra },
      ...(cwd !== undefined && { cwd }),
    };
    const { pid, stream } = await this.#opener.start(
      { process, pty: { size: { cols, rows } } },
      { ...checked, sink: terminalSink(checked.onData) },
    );
    return new CommandHandle(pid, stream, this.#control);
  }

  /** Receives what a terminal shows from now on. @throws `process_not_found` */
  async connect(pid: number, options: PtyConnectOptions): Promise<CommandHandle> {
    const checked = parseOptions(connectSchema, options);
    return this.#opener.connect(pid, { ...checked, sink: terminalSink(checked.onData) });
  }

  /** Types into a terminal. @throws `process_not_found` */
  sendInput(pid: number, data: string | Uint8Array, options?: RequestOptions): Promise<void> {
    return this.#control.sendInput(pid, data, options);
  }

  /** Changes a terminal's size. @throws `process_not_found` */
  async resize(pid: number, size: PtySize, options?: RequestOptions): Promise<void> {
    const request = { process: selectPid(pid), pty: { size: parseOptions(sizeSchema, size) } };
    const checked = parseOptions(requestOptions, options);
    await callRpc(this.#connection, checked, "process_not_found", (call) =>
      this.#rpc.process.update(request, call),
    );
  }

  /** Kills a terminal and everything that runs in it (SIGKILL). Resolves to false when no terminal has that id. */
  kill(pid: number, options?: RequestOptions): Promise<boolean> {
    return this.#control.kill(pid, options);
  }
}
