import { shellLine } from "../shell-quote.ts";
import type { CommandResult } from "../commands/output.ts";
import type { CommandHandle } from "../commands/handle.ts";
import { EmberboxError } from "../errors.ts";
import type { ToolRun } from "./definition.ts";

/** 128 plus the number of SIGKILL. */
const KILLED = 137;
/** The exit code that `timeout` uses. */
const TIMED_OUT = 124;
/** How long an aborted call waits for the sandbox to confirm that the command is gone, in milliseconds. */
const KILL_MS = 700;

/** How a command runs, and for how long. */
export interface RunToEndOptions {
  readonly timeoutMs: number;
  readonly cwd?: string;
  readonly envs?: Readonly<Record<string, string>>;
  readonly user?: string;
}

/** Runs a command to its end. When the call is aborted, it rejects only once the command is gone. */
export async function runToEnd(
  { sandbox, signal, onOutput }: Pick<ToolRun, "sandbox" | "signal" | "onOutput">,
  command: string,
  options: RunToEndOptions,
): Promise<CommandResult> {
  const handle = await sandbox.commands.run(command, {
    ...options,
    background: true,
    signal,
    ...(onOutput && {
      onStdout: (text) => onOutput({ stream: "stdout", text }),
      onStderr: (text) => onOutput({ stream: "stderr", text }),
    }),
  });
  try {
    return await handle.wait();
  } catch (error) {
    if (signal?.aborted) await killCommand(handle);
    throw error;
  }
}

/** Kills a command. Resolves once it is gone, or shortly after if the sandbox does not confirm it. */
export async function killCommand(handle: CommandHandle): Promise<void> {
  await handle.kill({ requestTimeoutMs: KILL_MS }).catch(() => {});
}

/** The exit code that a shell would give, even when a signal, the time limit or a lack of memory ended the command. */
export function shellExitCode(ended: Pick<CommandResult, "exitCode"> | EmberboxError): number {
  if (!EmberboxError.isInstance(ended)) return ended.exitCode < 0 ? KILLED : ended.exitCode;
  if (ended.code === "timeout") return TIMED_OUT;
  const { exitCode } = ended.details;
  return typeof exitCode === "number" && exitCode > 0 ? exitCode : KILLED;
}

/** A program and its arguments as a command line; a list of one is a command line itself. */
export function commandLine(parts: readonly unknown[]): string {
  return parts.length === 1 ? String(parts[0]) : shellLine(parts.map(String));
}
