import { execFile } from "node:child_process";
import { openSync, writeSync } from "node:fs";
import { promisify } from "node:util";
import type { AgentContext } from "./context.ts";
import type { Hello } from "./hello.ts";
import type { Interpreter } from "./interpreter/index.ts";

// Opened once, before the machine is saved: restoring is on the way to a sandbox's first answer.
const hostname = openSync("/proc/sys/kernel/hostname", "w");
const machineId = openSync("/etc/machine-id", "r+");

/** Sets right what a restored snapshot remembers wrongly: identity, clock, randomness, environment, disk size. */
export async function restore(
  hello: Hello,
  context: AgentContext,
  interpreter: Interpreter,
): Promise<void> {
  context.envs = { ...hello.envs, E2B_SANDBOX: "true", E2B_SANDBOX_ID: hello.sandboxId };
  context.accessToken = hello.accessToken;
  writeSync(hostname, hello.sandboxId, 0);
  writeSync(machineId, `${hello.machineId}\n`, 0);
  const grown = hello.growDisk ? promisify(execFile)("resize2fs", ["/dev/vda"]) : undefined;
  await interpreter.restored({ entropy: hello.entropy, timeSeconds: hello.timeMs / 1000 });
  await grown;
}
