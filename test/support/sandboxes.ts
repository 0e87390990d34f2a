import { Sandbox } from "@emberbox/core";
import type { CreateOptions } from "@emberbox/core/provider";
import { microvm } from "@emberbox/microvm";
import { afterAll } from "vitest";

/** The engine that a test file shares; closed, with all that it made, when the file is done. */
export const provider = microvm();

afterAll(() => provider[Symbol.asyncDispose]());

export function createSandbox(options: CreateOptions = {}): Promise<Sandbox> {
  return Sandbox.create({ provider, ...options });
}

/** The one shape that tests use beside the usual: each takes a template of its own, which takes minutes to warm. */
export const oddShape = { memoryMB: 768, cpuCount: 2 } as const;

/** Runs Python and returns what it printed; fails on an error in the code. */
export async function python(sandbox: Sandbox, code: string): Promise<string> {
  const execution = await sandbox.runCode(code);
  if (execution.error)
    throw new Error(
      `${execution.error.name}: ${execution.error.value}\n${execution.error.traceback}`,
    );
  return execution.logs.stdout.join("");
}
