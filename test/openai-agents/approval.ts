// Run twice, as two programs: `begin` stops where a command needs approval, `approve` goes on from what was kept.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { microvm } from "@emberbox/microvm";
import { capabilities, EmberboxSandboxClient } from "@emberbox/openai-agents";
import { Runner, RunState } from "@openai/agents-core";
import { SandboxAgent } from "@openai/agents-core/sandbox";
import { assistantMessage, functionCall, ScriptedModel } from "@openai/agents-core/testing";

const [step, kept, folder] = process.argv.slice(2) as ["begin" | "approve", string, string];
const steps = {
  begin: [
    [
      functionCall(
        "run_code",
        { code: "plan = 'a plan'\nopen('plan.txt', 'w').write(plan)" },
        { callId: "a" },
      ),
    ],
    [
      functionCall(
        "exec_command",
        { cmd: "cat plan.txt; echo did it > done.txt" },
        { callId: "b" },
      ),
    ],
  ],
  approve: [
    [
      functionCall(
        "run_code",
        { code: "open('plan.txt').read() + ', ' + open('done.txt').read()" },
        { callId: "c" },
      ),
    ],
    [functionCall("run_code", { code: "plan.upper()" }, { callId: "d" })],
    [assistantMessage("finished")],
  ],
};
const agent = new SandboxAgent({
  name: "careful",
  model: new ScriptedModel(steps[step]),
  capabilities: capabilities({ needsApproval: true, runCode: { needsApproval: false } }),
});
const snapshot = {
  archive: { type: "local", baseDir: folder },
  machine: { type: "emberbox" },
  pause: undefined,
}[kept];
await using provider = microvm();
const client = new EmberboxSandboxClient({ provider, snapshot });
const runner = new Runner({ tracingDisabled: true, sandbox: { client } });
const file = join(folder, "state.json");

if (step === "begin") {
  const { interruptions, state } = await runner.run(agent, "go");
  if (interruptions.length !== 1) throw new Error(`Got ${interruptions.length} interruptions`);
  await writeFile(file, state.toString());
  // As a program that is killed, not one that says goodbye.
  process.kill(process.pid, "SIGKILL");
}
const saved = await readFile(file, "utf8");
const state = await RunState.fromString(agent, saved);
for (const interruption of state.getInterruptions()) state.approve(interruption);
const { finalOutput, newItems, state: after } = await runner.run(agent, state);
const text = JSON.stringify(newItems);
const expected = ["a plan, did it", kept === "archive" ? "NameError" : "A PLAN"];
if (finalOutput !== "finished" || !expected.every((part) => text.includes(part)))
  throw new Error(text);
if ((await provider.list()).some(({ sandboxId }) => saved.includes(sandboxId)))
  throw new Error("A sandbox was left");
// A snapshot that was asked for outlives the run; the last one replaced those before.
for (const { snapshotId } of (await provider.listSnapshots?.()) ?? []) {
  if (after.toString().includes(snapshotId)) await provider.deleteSnapshot?.(snapshotId);
}
