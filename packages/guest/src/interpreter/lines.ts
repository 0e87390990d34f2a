/** Lines of the protocol that the agent itself writes. */
import type { KernelExit } from "./language.ts";

export const END_LINE: Buffer = Buffer.from('{"type":"end_of_execution"}\n');
export const KEEPALIVE_LINE: Buffer = Buffer.from('{"type":"keepalive"}\n');

/** Why an execution did not end by itself. */
export type FailureReason = "timeout" | "out_of_memory" | "kernel_died";

export interface Failure {
  readonly name: string;
  readonly value: string;
  readonly traceback?: string;
  readonly reason: FailureReason;
  /** The kernel was replaced, and its variables are lost. */
  readonly restarted: boolean;
  readonly limitMB?: number | undefined;
}

export function failureLine(failure: Failure): Buffer {
  const { limitMB, traceback, ...rest } = failure;
  const line = {
    type: "error",
    ...rest,
    traceback: traceback ?? `${failure.name}: ${failure.value}`,
  };
  return Buffer.from(
    `${JSON.stringify(limitMB === undefined ? line : { ...line, limit_mb: limitMB })}\n`,
  );
}

export function numberLine(count: number): Buffer {
  return Buffer.from(`{"type":"number_of_executions","execution_count":${count}}\n`);
}

export function textLine(type: "stdout" | "stderr", text: string): Buffer {
  return Buffer.from(`${JSON.stringify({ type, text, timestamp: new Date().toISOString() })}\n`);
}

/** What a person is told when the process of an execution is gone, and whether another replaces it. */
export function deathOf(exit: KernelExit, replaced: boolean, limitMB: number | undefined): Failure {
  const lost = `Its variables are lost${replaced ? "; a fresh kernel takes its place" : ""}.`;
  if (exit.outOfMemory) {
    const limit = limitMB === undefined ? "" : ` (${limitMB} MiB)`;
    const value = `The code needed more memory than there is for it${limit}, so the kernel was ended. ${lost}`;
    return { name: "OutOfMemory", value, reason: "out_of_memory", restarted: replaced, limitMB };
  }
  const value = `The kernel ${wayOf(exit)}. ${lost}`;
  return { name: "KernelDied", value, reason: "kernel_died", restarted: replaced };
}

function wayOf(exit: KernelExit): string {
  if (exit.reason !== undefined) return exit.reason;
  if (exit.signal !== undefined) return `was ended by ${exit.signal}${MEANINGS[exit.signal] ?? ""}`;
  if (exit.code !== undefined) return `ended itself with exit code ${exit.code}`;
  return "ended";
}

const MEANINGS: Record<string, string> = {
  SIGSEGV: " (a crash in native code)",
  SIGBUS: " (a crash in native code)",
  SIGABRT: " (native code gave up)",
  SIGILL: " (an instruction this processor does not have)",
  SIGFPE: " (an arithmetic error in native code)",
};
