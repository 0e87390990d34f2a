import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { promisify } from "node:util";
import type { AgentContext } from "./context.ts";
import type { Hello } from "./hello.ts";
import type { Interpreter } from "./interpreter/index.ts";

/** Sets right what a restored snapshot remembers wrongly: identity, clock, randomness, environment, disk size. */
export async function restore(hello: Hello, context: AgentContext, interpreter: Interpreter): Promise<void> {
  context.envs = { ...hello.envs, E2B_SANDBOX: "true", E2B_SANDBOX_ID: hello.sandboxId };
  context.accessToken = hello.accessToken;
  writeFileSync("/proc/sys/kernel/hostname", hello.sandboxId);
  writeFileSync("/etc/machine-id", `${hello.machineId}\n`);
  const grown = hello.growDisk ? promisify(execFile)("resize2fs", ["/dev/vda"]) : undefined;
  await interpreter.restored({ entropy: hello.entropy, timeSeconds: hello.timeMs / 1000 });
  await grown;
}
