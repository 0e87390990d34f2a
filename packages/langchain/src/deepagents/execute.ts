import type { ExecuteResponse } from "deepagents";
import { EmberboxError } from "@emberbox/core";
import {
  asOnTerminal,
  runToEnd,
  shellExitCode,
  truncate,
  withoutRefused,
} from "@emberbox/core/tools";
import type { BackendCall } from "./call.ts";

export interface ExecuteLimits {
  readonly timeoutMs: number;
  readonly maxOutputBytes: number;
}

/** Runs a command line. Both streams are merged, in the order in which they were written. */
export async function execute(
  call: BackendCall,
  command: string,
  limits: ExecuteLimits,
): Promise<ExecuteResponse> {
  const answer = await run(call, command, limits);
  return { ...answer, output: call.say() + answer.output };
}

async function run(
  { sandbox, signal, onOutput, explain }: BackendCall,
  command: string,
  limits: ExecuteLimits,
): Promise<ExecuteResponse> {
  try {
    const context = { sandbox, signal, onOutput };
    const result = await runToEnd(context, `exec 2>&1\n${command}`, {
      timeoutMs: limits.timeoutMs,
    });
    const { stdout, truncated } = result;
    return answer(stdout, shellExitCode(result), truncated !== undefined, limits);
  } catch (error) {
    if (!EmberboxError.isInstance(error)) throw error;
    const { stdout } = error.details;
    if (typeof stdout !== "string") throw error;
    const ending = stoppedText(error, limits) ?? explain(error).text;
    return answer(`${stdout}\n[${ending}]`, shellExitCode(error), false, limits);
  }
}

function answer(
  text: string,
  exitCode: number,
  cut: boolean,
  { maxOutputBytes }: ExecuteLimits,
): ExecuteResponse {
  const { text: output, truncated } = truncate(withoutRefused(asOnTerminal(text)), maxOutputBytes);
  return { output, exitCode, truncated: cut || truncated };
}

function stoppedText(
  { code, message }: EmberboxError,
  { timeoutMs }: ExecuteLimits,
): string | undefined {
  if (code === "out_of_memory") return message;
  if (code !== "timeout") return undefined;
  return `The command did not end within ${timeoutMs / 1000} seconds and was stopped. Run what takes longer in the background: nohup command > log 2>&1 &`;
}
