import type { CommandResult } from "../commands/output.ts";
import type { CommandHandle } from "../commands/handle.ts";
import type { ToolRun } from "./definition.ts";

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
    if (signal?.aborted) await killed(handle);
    throw error;
  }
}

async function killed(handle: CommandHandle): Promise<void> {
  await handle.kill({ requestTimeoutMs: KILL_MS }).catch(() => {});
}
