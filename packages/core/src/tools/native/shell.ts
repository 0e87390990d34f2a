import { EmberboxError } from "../../errors.ts";
import { shellLine } from "../../shell-quote.ts";
import { runToEnd, type RunToEndOptions, shellExitCode } from "../command.ts";
import type { ToolRun } from "../definition.ts";
import { endingText, runLimit, wasStopped } from "../ending.ts";
import { presentable } from "../gate.ts";
import { asOnTerminal } from "../printed.ts";
import { truncate } from "../truncate.ts";

/** A call of OpenAI's `shell`. */
export interface ShellInput {
  readonly commands: readonly string[];
  /** Time limit of each command, in milliseconds. */
  readonly timeoutMs?: number | null | undefined;
  /** The most to return of each stream, as the model asked; echoed in the answer. */
  readonly maxOutputLength?: number | null | undefined;
}

/** The output of one command. */
export interface ShellOutput {
  readonly stdout: string;
  readonly stderr: string;
  readonly outcome:
    | { readonly type: "exit"; readonly exitCode: number }
    | { readonly type: "timeout" };
}

/** The answer to `shell`. */
export interface ShellResult {
  readonly output: readonly ShellOutput[];
  readonly maxOutputLength?: number;
}

/** A call of OpenAI's `local_shell`. */
export interface LocalShellInput {
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>> | null | undefined;
  readonly workingDirectory?: string | null | undefined;
  readonly timeoutMs?: number | null | undefined;
  readonly user?: string | null | undefined;
}

export async function runShell(input: ShellInput, run: ToolRun): Promise<ShellResult> {
  const { commands, maxOutputLength } = input;
  if (!Array.isArray(commands) || !commands.every((command) => typeof command === "string")) {
    throw new EmberboxError(
      "invalid_argument",
      "Expected `commands` to be an array of command lines",
    );
  }
  const output: ShellOutput[] = [];
  for (const command of commands) {
    const done = await runOne(command, input.timeoutMs, maxOutputLength ?? undefined, {}, run);
    output.push(done);
    if (done.outcome.type === "timeout") break;
  }
  return { output, ...(typeof maxOutputLength === "number" && { maxOutputLength }) };
}

export async function localShell(
  input: LocalShellInput,
  run: ToolRun,
): Promise<{ output: string }> {
  const { command, env, workingDirectory, user } = input;
  if (!Array.isArray(command) || command.length === 0) {
    throw new EmberboxError(
      "invalid_argument",
      "Expected `command` to be a program and its arguments",
    );
  }
  const options = {
    ...(env && { envs: env }),
    ...(workingDirectory && { cwd: workingDirectory }),
    ...(user && { user }),
  };
  const line = shellLine(command.map(String));
  const { stdout, stderr, outcome } = await runOne(line, input.timeoutMs, undefined, options, run);
  const ending =
    outcome.type === "exit" && outcome.exitCode !== 0 ? `exit code: ${outcome.exitCode}` : "";
  return {
    output: presentable([stdout, stderr, ending].filter((part) => part !== "").join("\n")),
  };
}

async function runOne(
  command: string,
  timeoutMs: number | null | undefined,
  maxOutputLength: number | undefined,
  options: Partial<RunToEndOptions>,
  run: ToolRun,
): Promise<ShellOutput> {
  const asked = timeoutMs && timeoutMs > 0 ? Math.ceil(timeoutMs) : undefined;
  const limit = runLimit(asked, run.limits);
  const most = Math.max(Math.min(maxOutputLength ?? Infinity, run.limits.maxOutputBytes), 0);
  const cut = (text: string): string => truncate(asOnTerminal(text), most).text;
  try {
    const ended = await runToEnd(run, command, { ...options, timeoutMs: limit.timeoutMs });
    const { stdout, stderr, exitCode } = ended;
    return { stdout: cut(stdout), stderr: cut(stderr), outcome: { type: "exit", exitCode } };
  } catch (error) {
    run.signal?.throwIfAborted();
    if (!wasStopped(error)) throw error;
    const { stdout = "", stderr = "" } = error.details;
    const words = endingText(error, "command", limit.timeoutMs);
    return {
      stdout: cut(String(stdout)),
      stderr: `${cut(String(stderr))}${stderr === "" ? "" : "\n"}${words}`,
      outcome:
        error.code === "timeout"
          ? { type: "timeout" }
          : { type: "exit", exitCode: shellExitCode(error) },
    };
  }
}
