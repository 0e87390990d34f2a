import type { CommandHandle, Sandbox } from "@emberbox/core";
import { untilAborted } from "@emberbox/core/concurrency";
import { explainFailure, type ToolOutput } from "@emberbox/core/tools";
import type {
  ExecCommandArgs,
  SandboxExecResult,
  WriteStdinArgs,
} from "@openai/agents-core/sandbox";
import {
  elapsedSeconds,
  formatExecResponse,
  shellQuote,
  truncateOutput,
} from "@openai/agents-core/sandbox/internal";
import { callSignal } from "../abort.ts";
import { SandboxProcess } from "./process.ts";

const EXEC_YIELD_MS = 10_000;
const STDIN_YIELD_MS = 250;
/** How many commands a model may leave running; the oldest is killed for another. */
const MAX_RUNNING = 64;
/** The most that a model gets to read unless it asks for another limit. */
const MAX_OUTPUT_TOKENS = 10_000;
const INTERRUPT = "\u0003";
const TERMINAL = { cols: 80, rows: 24 } as const;

/** Limits of commands, and who receives their output. */
export interface ProcessesOptions {
  /** How long a command may run, in milliseconds; 0 for no limit. */
  readonly commandTimeoutMs: number;
  readonly onOutput: ((output: ToolOutput) => unknown) | undefined;
}

/** The directory and environment variables of a command. */
export interface Surroundings {
  readonly cwd: string;
  readonly envs: Readonly<Record<string, string>>;
}

/** The commands of one session; those left running are identified by a number. */
export class Processes {
  readonly #sandbox: Sandbox;
  readonly #options: ProcessesOptions;
  readonly #running = new Map<number, SandboxProcess>();
  #lastId = 0;

  constructor(sandbox: Sandbox, options: ProcessesOptions) {
    this.#sandbox = sandbox;
    this.#options = options;
  }

  /**
   * Runs a command while the caller waits; after that it keeps running. Failures become output, since a model reads it.
   */
  async exec(args: ExecCommandArgs, surroundings: Surroundings): Promise<SandboxExecResult> {
    const start = Date.now();
    const signal = callSignal();
    signal?.throwIfAborted();
    const process = new SandboxProcess(args.tty ?? false, this.#options.onOutput);
    try {
      await this.#start(process, args, surroundings, signal);
    } catch (error) {
      signal?.throwIfAborted();
      const output = explainFailure(error, false).text;
      return {
        output,
        stdout: "",
        stderr: output,
        wallTimeSeconds: elapsedSeconds(start),
        exitCode: 1,
      };
    }
    try {
      await process.settle(args.yieldTimeMs ?? EXEC_YIELD_MS, signal);
    } catch (error) {
      await process.kill();
      throw error;
    }
    const sessionId = process.exitCode === undefined ? await this.#keep(process) : undefined;
    return this.#answer(process, start, args.maxOutputTokens, sessionId);
  }

  async writeStdin({
    sessionId,
    chars = "",
    yieldTimeMs,
    maxOutputTokens,
  }: WriteStdinArgs): Promise<string> {
    const start = Date.now();
    const process = this.#running.get(sessionId);
    if (process === undefined) {
      const output = `write_stdin failed: session not found: ${sessionId}`;
      return formatExecResponse({ output, wallTimeSeconds: 0, exitCode: 1 });
    }
    const problem = await this.#send(process, chars);
    await process.settle(yieldTimeMs ?? STDIN_YIELD_MS, callSignal());
    if (process.exitCode !== undefined) this.#running.delete(sessionId);
    const known = process.exitCode === undefined ? sessionId : undefined;
    const { output, ...rest } = this.#answer(process, start, maxOutputTokens, known);
    return formatExecResponse({
      ...rest,
      output: problem === undefined ? output : `${output}${problem}`,
    });
  }

  /** Kills all running commands. */
  async stop(): Promise<void> {
    const running = [...this.#running.values()];
    this.#running.clear();
    await Promise.all(running.map((process) => process.kill()));
  }

  async #start(
    process: SandboxProcess,
    args: ExecCommandArgs,
    { cwd, envs }: Surroundings,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const common = {
      cwd,
      envs,
      timeoutMs: this.#options.commandTimeoutMs,
      ...(args.runAs !== undefined && { user: args.runAs }),
    };
    const cmd = commandLine(args);
    const decoder = new TextDecoder();
    const starting = process.tty
      ? this.#sandbox.pty.create({
          ...common,
          ...TERMINAL,
          cmd,
          onData: (bytes) => process.onOutput("stdout", decoder.decode(bytes, { stream: true })),
        })
      : this.#sandbox.commands.run(cmd, {
          ...common,
          background: true,
          stdin: true,
          onStdout: (text) => process.onOutput("stdout", text),
          onStderr: (text) => process.onOutput("stderr", text),
        });
    try {
      process.follow(await untilAborted<CommandHandle>(starting, signal));
    } catch (error) {
      if (signal?.aborted) void starting.then((handle) => handle.kill()).catch(() => {});
      throw error;
    }
  }

  async #keep(process: SandboxProcess): Promise<number> {
    this.#lastId += 1;
    this.#running.set(this.#lastId, process);
    const oldest = this.#running.keys().next().value;
    if (this.#running.size > MAX_RUNNING && oldest !== undefined) {
      await this.#running.get(oldest)?.kill();
      this.#running.delete(oldest);
    }
    return this.#lastId;
  }

  /** Without a terminal to turn Ctrl-C into a signal, sends the signal itself. */
  async #send(process: SandboxProcess, chars: string): Promise<string | undefined> {
    try {
      const text = process.tty ? chars : chars.replaceAll(INTERRUPT, "");
      if (text !== chars) {
        await this.#sandbox.commands.run(`kill -INT -- -${process.pid}`, { user: "root" });
      }
      if (text !== "") await process.write(text);
      return undefined;
    } catch (error) {
      return process.exitCode === undefined ? `\n${explainFailure(error, false).text}` : undefined;
    }
  }

  #answer(
    process: SandboxProcess,
    start: number,
    maxOutputTokens: number | undefined,
    sessionId: number | undefined,
  ): SandboxExecResult {
    const { output, stdout, stderr } = process.take();
    const { text, originalTokenCount } = truncateOutput(
      output,
      maxOutputTokens ?? MAX_OUTPUT_TOKENS,
    );
    return {
      output: text,
      stdout,
      stderr,
      wallTimeSeconds: elapsedSeconds(start),
      ...(sessionId === undefined ? { exitCode: process.exitCode ?? 1 } : { sessionId }),
      ...(originalTokenCount !== undefined && { originalTokenCount }),
    };
  }
}

/** Commands run unchanged in a bash login shell; another shell, or a non-login shell, replaces it. */
function commandLine({ cmd, shell, login = true }: ExecCommandArgs): string {
  if ((shell === undefined || shell === "") && login) return cmd;
  return `exec ${shellQuote(shell || "/bin/bash")} ${login ? "-lc" : "-c"} ${shellQuote(cmd)}`;
}
