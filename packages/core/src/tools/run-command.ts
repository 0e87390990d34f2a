import { z } from "zod";
import { EmberboxError } from "../errors.ts";
import type { CommandResult } from "../commands/output.ts";
import { withoutFence } from "./arguments.ts";
import { commandLine, runToEnd } from "./command.ts";
import type { Outcome, ToolDefinition, ToolLimits, ToolRun } from "./definition.ts";
import { endingText, runLimit, type RunLimit } from "./ending.ts";
import type { SandboxFacts } from "./facts.ts";
import { inputSchema, type InputSchema } from "./input.ts";
import { formatBytes, formatDuration } from "./mime.ts";
import { showPrinted } from "./printed.ts";

/** Arguments of `run_command`. */
export interface RunCommandInput {
  readonly command: string;
  readonly cwd?: string | undefined;
  readonly timeout_ms?: number | undefined;
}

const schema: InputSchema<RunCommandInput> = inputSchema(
  {
    command: z.string().describe("A command line for bash"),
    cwd: z
      .string()
      .optional()
      .describe("The directory to run it in; the home directory when left out"),
    timeout_ms: z.int().min(1).optional().describe("How long it may run, in milliseconds"),
  },
  {
    names: {
      command: ["cmd", "command_line", "bash", "script"],
      cwd: ["workdir", "working_directory", "directory", "dir"],
    },
    lists: { command: commandLine },
  },
);

export const runCommandTool: ToolDefinition<RunCommandInput> = {
  name: "run_command",
  title: "Run a command",
  readOnly: false,
  schema,
  describe,
  run,
};

function describe({ system, workingDirectory, network }: SandboxFacts, limits: ToolLimits): string {
  const machine = `an isolated Linux machine${system === "" ? "" : ` (${system})`}`;
  return [
    `Runs a bash command line in ${machine}, as a user who may use \`sudo\` without a password.`,
    `Each call is a shell of its own, which starts in ${workingDirectory} or \`cwd\`: \`cd\` and variables do not`,
    "stay for the next call; files and processes do.",
    network,
    `It is killed after ${formatDuration(limits.timeoutMs)}, or \`timeout_ms\`, up to ${formatDuration(limits.maxTimeoutMs)};`,
    "what has to run longer, such as a server, is started with `nohup command > log 2>&1 &`.",
    `Output beyond ${formatBytes(limits.maxOutputBytes)} is cut in the middle and kept whole in a file.`,
    "There is no input: use options that answer questions, such as `-y`.",
  ].join(" ");
}

async function run(input: RunCommandInput, run: ToolRun): Promise<Outcome> {
  const limit = runLimit(input.timeout_ms, run.limits);
  try {
    const { cwd } = input;
    const result = await runToEnd(run, withoutFence(input.command).text, {
      timeoutMs: limit.timeoutMs,
      ...(cwd && { cwd }),
    });
    return await show(result, undefined, run, limit);
  } catch (error) {
    run.signal?.throwIfAborted();
    if (!EmberboxError.isInstance(error)) throw error;
    const { stdout, stderr, exitCode } = error.details;
    if (typeof stdout !== "string" || typeof stderr !== "string") throw error;
    const soFar = { ...error.details, stdout, stderr, exitCode: Number(exitCode ?? -1) };
    return show(soFar as CommandResult, error, run, limit);
  }
}

async function show(
  { stdout, stderr, exitCode, error, truncated }: CommandResult,
  failure: EmberboxError | undefined,
  run: ToolRun,
  limit: RunLimit,
): Promise<Outcome> {
  const printed = await showPrinted({ stdout, stderr, ...truncated }, run);
  const ending =
    failure === undefined
      ? exitText(exitCode, error)
      : endingText(failure, "command", limit.timeoutMs, run.replaced);
  return {
    text: `${[...printed.sections, ending].join("\n\n")}${limit.note}`,
    isError: failure !== undefined || exitCode !== 0,
    files: printed.files,
    data: {
      ...printed.data,
      ...(failure === undefined && { exitCode }),
      timedOut: failure?.code === "timeout",
      outOfMemory: failure?.code === "out_of_memory",
      ...(failure && { errorCode: failure.code }),
    },
  };
}

function exitText(exitCode: number, error: string | undefined): string {
  if (exitCode === 0) return "exit code: 0";
  if (exitCode < 0) return `The command was ended by a signal (${error ?? "unknown"}).`;
  return `exit code: ${exitCode} (the command failed)`;
}
