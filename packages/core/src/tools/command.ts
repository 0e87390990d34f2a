import type { CommandResult } from "../commands/output.ts";
import type { CommandHandle } from "../commands/handle.ts";
import { EmberboxError } from "../errors.ts";
import type { ToolRun } from "./definition.ts";

/** 128 and the number of SIGKILL. */
const KILLED = 137;
/** As the program `timeout` says it. */
const TIMED_OUT = 124;
/** How long an aborted call waits for the sandbox to say that the command is gone. */
const KILL_MS = 700;

export interface RunToEndOptions {
  readonly timeoutMs: number;
  readonly cwd?: string;
  readonly envs?: Readonly<Record<string, string>>;
  readonly user?: string;
}

/** Runs a command to its end. When the call is aborted, the command is gone before it rejects. */
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

/** Kills a command. Resolves when it is gone, or soon when its sandbox does not say so. */
export async function killCommand(handle: CommandHandle): Promise<void> {
  await handle.kill({ requestTimeoutMs: KILL_MS }).catch(() => {});
}

/** The exit code that a shell gives for a command, also for one that a signal, its time limit or a lack of memory ended. */
export function shellExitCode(ended: Pick<CommandResult, "exitCode"> | EmberboxError): number {
  if (!EmberboxError.isInstance(ended)) return ended.exitCode < 0 ? KILLED : ended.exitCode;
  if (ended.code === "timeout") return TIMED_OUT;
  const { exitCode } = ended.details;
  return typeof exitCode === "number" && exitCode > 0 ? exitCode : KILLED;
}
