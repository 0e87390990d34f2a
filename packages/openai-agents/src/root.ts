import type { Sandbox } from "@emberbox/core";
import { SandboxRuntimeError } from "@openai/agents-core/sandbox";

/** Runs one of our own commands as root. @throws `SandboxRuntimeError` when it fails */
export async function runAsRoot(sandbox: Sandbox, command: string): Promise<void> {
  const { exitCode, stderr } = await sandbox.commands.run(command, {
    user: "root",
    cwd: "/",
    timeoutMs: 600_000,
  });
  if (exitCode === 0) return;
  const lines = stderr.trim().split("\n").slice(-5).join("\n");
  throw new SandboxRuntimeError(`A command in the sandbox failed (${exitCode}): ${lines}`, {
    exitCode,
  });
}
