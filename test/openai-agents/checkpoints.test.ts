import { Sandbox } from "@emberbox/core";
import { capabilities, EmberboxSandboxClient, sandboxTools } from "@emberbox/openai-agents";
import { Agent, type RunItem, Runner, RunState } from "@openai/agents-core";
import { SandboxAgent } from "@openai/agents-core/sandbox";
import { assistantMessage, functionCall, ScriptedModel } from "@openai/agents-core/testing";
import { expect, test } from "vitest";
import { createSandbox } from "../support/sandboxes.ts";

const outputs = (items: readonly RunItem[]): string =>
  JSON.stringify(items.filter(({ type }) => type === "tool_call_output_item"));

const call = (callId: string, command: string): ReturnType<typeof functionCall> =>
  functionCall("run_command", { command }, { callId });
type Step = ReturnType<typeof functionCall>[] | ReturnType<typeof assistantMessage>[];
const agentOf = (...steps: Step[]): SandboxAgent =>
  new SandboxAgent({
    name: "careful",
    model: new ScriptedModel(steps),
    capabilities: capabilities({ needsApproval: true, runCode: { needsApproval: false } }),
  });

test("a run that is resumed from an earlier state finds its machine as it was then", async () => {
  const sandbox = await createSandbox();
  const client = new EmberboxSandboxClient({ sandbox, checkpoints: "each-call" });
  const runner = new Runner({ tracingDisabled: true, sandbox: { client } });
  const code = { code: "kept = 'kept'; open('list', 'w').write('one')" };
  const begun = await runner.run(
    agentOf(
      [functionCall("run_code", code, { callId: "a" })],
      [functionCall("exec_command", { cmd: "cat list; rm list" }, { callId: "b" })],
    ),
    "go",
  );
  expect(begun.interruptions).toHaveLength(1);
  const saved = begun.state.toString();
  expect(saved).toContain('"position"');
  for (const way of ["first", "second"]) {
    const look = functionCall("run_code", { code: `kept + '${way}'` }, { callId: "c" });
    const agent = agentOf([look], [assistantMessage("done")]);
    const state = await RunState.fromString(agent, saved);
    for (const interruption of state.getInterruptions()) state.approve(interruption);
    const { newItems } = await runner.run(agent, state);
    // It is there each time, though the command removes it.
    expect(outputs(newItems)).toContain("one");
    expect(outputs(newItems)).toContain(`kept${way}`);
  }
});

test("a plain agent's tools go back to where a saved run was", async () => {
  const sandbox = await createSandbox();
  await using kit = sandboxTools(sandbox, { checkpoints: "each-call" });
  const runner = new Runner({ tracingDisabled: true });
  const agent = new Agent({
    name: "plain",
    tools: kit.tools,
    model: new ScriptedModel([
      [call("a", "echo one > list")],
      [assistantMessage("first")],
      [call("b", "rm list")],
      [assistantMessage("second")],
      [call("c", "cat list")],
      [assistantMessage("third")],
    ]),
  });
  const first = await runner.run(agent, "Begin.");
  const saved = first.state.toString();
  await runner.run(agent, "Go on.");
  await kit.returnTo(await RunState.fromString(agent, saved));
  const { newItems } = await runner.run(agent, "Look.");
  expect(outputs(newItems)).toContain("one");
});

test("a state of which the checkpoint was deleted cannot be gone back to, and the machine stays", async () => {
  await using kit = sandboxTools(undefined, { checkpoints: { each: "call", keep: { last: 2 } } });
  const runner = new Runner({ tracingDisabled: true });
  const agent = new Agent({
    name: "forgetful",
    tools: kit.tools,
    model: new ScriptedModel([
      [call("a", "echo one > list")],
      [assistantMessage("first")],
      [call("b", "echo two >> list"), call("c", "false")],
      [call("d", "echo three >> list")],
      [assistantMessage("second")],
      [call("e", "cat list")],
      [assistantMessage("third")],
    ]),
  });
  const saved = (await runner.run(agent, "Begin.")).state.toString();
  const sandbox = await Sandbox.connect(kit.sandboxTools.sessions.sandboxId()!);
  expect((await sandbox.getInfo()).metadata).toMatchObject({
    "emberbox.adapter": "openai-agents",
    "emberbox.agent": "forgetful",
  });
  await runner.run(agent, "Go on.");
  expect(await sandbox.history()).toHaveLength(2);
  const back = kit.returnTo(await RunState.fromString(agent, saved));
  await expect(back).rejects.toMatchObject({ code: "checkpoint_not_found" });
  const { newItems } = await runner.run(agent, "Look.");
  expect(outputs(newItems)).toContain("one\\ntwo\\nthree");
});
