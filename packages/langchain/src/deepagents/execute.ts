import type { ExecuteResponse } from "deepagents";
import { EmberboxError } from "@emberbox/core";
import { truncate } from "@emberbox/core/tools";
import type { BackendCall } from "./call.ts";

export interface ExecuteLimits {
  readonly timeoutMs: number;
  readonly maxOutputBytes: number;
}

/** How long an aborted command may take to die before the call rejects, in milliseconds. */
const KILL_MS = 700;

/** Runs a command line. Both streams are one, in the order in which they were written. */
export async function execute(
  call: BackendCall,
  command: string,
  limits: ExecuteLimits,
): Promise<ExecuteResponse> {
  const answer = await run(call, command, limits);
  if (call.notice === "") return answer;
  call.told();
  return { ...answer, output: `${call.notice}\n${answer.output}` };
}

async function run(
  { sandbox, signal, onOutput }: BackendCall,
  command: string,
  limits: ExecuteLimits,
): Promise<ExecuteResponse> {
  const handle = await sandbox.commands.run(`exec 2>&1\n${command}`, {
    background: true,
    timeoutMs: limits.timeoutMs,
    signal,
    ...(onOutput && { onStdout: (text) => onOutput({ stream: "stdout", text }) }),
  });
  try {
    const { stdout, exitCode, truncated } = await handle.wait();
    // A shell gives 128 and the signal's number for a command that a signal ended; here it was the shell itself.
    return answer(stdout, exitCode < 0 ? 137 : exitCode, truncated !== undefined, limits);
  } catch (error) {
    if (signal?.aborted) await handle.kill({ requestTimeoutMs: KILL_MS }).catch(() => {});
    if (!EmberboxError.isInstance(error)) throw error;
    const { stdout } = error.details;
    if (typeof stdout !== "string") throw error;
    return answer(`${stdout}\n${endingOf(error, limits)}`, exitCodeOf(error), false, limits);
  }
}

function answer(
  text: string,
  exitCode: number,
  cut: boolean,
  { maxOutputBytes }: ExecuteLimits,
): ExecuteResponse {
  const { text: output, truncated } = truncate(text, maxOutputBytes);
  return { output, exitCode, truncated: cut || truncated };
}

function endingOf({ code, message }: EmberboxError, { timeoutMs }: ExecuteLimits): string {
  if (code !== "timeout") return `[${message}]`;
  return `[The command did not end within ${timeoutMs / 1000} seconds and was stopped. Run what takes longer in the background: nohup command > log 2>&1 &]`;
}

/** As the shell's `timeout` says it, and as it is when the kernel kills. */
function exitCodeOf({ code, details }: EmberboxError): number {
  if (code === "timeout") return 124;
  const { exitCode } = details;
  return typeof exitCode === "number" && exitCode > 0 ? exitCode : 137;
}
