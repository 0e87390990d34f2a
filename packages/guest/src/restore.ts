import { execFile } from "node:child_process";
import { ftruncateSync, mkdirSync, openSync, writeSync } from "node:fs";
import { promisify } from "node:util";
import { background, warning } from "@emberbox/core/background";
import { setClockAndRandomness } from "./clock-and-randomness.ts";
import type { AgentContext } from "./context.ts";
import { applyNetwork } from "./egress/egress.ts";
import { keepDefaults } from "./defaults.ts";
import { thawUserCode } from "./freezer.ts";
import type { Hello } from "@emberbox/wire";
import { mountVolumes } from "./volumes.ts";
import { mountWorkspaces } from "./workspaces.ts";
import type { Interpreter } from "./interpreter/index.ts";

// Opened once, before the machine is saved: a sandbox's first answer waits for the restore.
const hostname = openSync("/proc/sys/kernel/hostname", "w");
const machineId = openSync("/etc/machine-id", "r+");

/** Where programs that know E2B's sandboxes look for facts about theirs: one file each, in memory. */
mkdirSync("/run/e2b", { recursive: true });
const facts = ["E2B_SANDBOX", "E2B_SANDBOX_ID", "E2B_TEMPLATE_ID"].map((name) => ({
  name,
  file: openSync(`/run/e2b/.${name}`, "w", 0o644),
  written: "",
}));

/** Corrects what a restored snapshot has stale: identity, clock, randomness, environment, disk size. */
export async function restore(
  hello: Hello,
  context: AgentContext,
  interpreter: Interpreter,
): Promise<void> {
  context.envs = {
    ...hello.envs,
    E2B_SANDBOX: "true",
    E2B_SANDBOX_ID: hello.sandboxId,
    E2B_TEMPLATE_ID: hello.templateId,
  };
  // Not awaited: the host refuses by itself, this only makes refusals faster.
  if (hello.network)
    background(applyNetwork(hello.network, context), warning("Applying the network"));
  if (hello.defaults) keepDefaults(hello.defaults, context);
  for (const fact of facts) {
    const text = context.envs[fact.name]!;
    if (text === fact.written) continue;
    if (text.length < fact.written.length) ftruncateSync(fact.file);
    writeSync(fact.file, text, 0);
    fact.written = text;
  }
  writeSync(hostname, hello.sandboxId, 0);
  writeSync(machineId, `${hello.machineId}\n`, 0);
  if (hello.volumes) mountVolumes(hello.volumes, context.log);
  if (hello.workspaces) mountWorkspaces(hello.workspaces);
  const grown = hello.growDisk ? promisify(execFile)("resize2fs", ["/dev/vda"]) : undefined;
  setClockAndRandomness(hello);
  thawUserCode();
  interpreter.restored();
  await grown;
}
