import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeTools } from "@emberbox/conformance/vitest";
import { capabilities, EmberboxSandboxClient, sandboxTools } from "@emberbox/openai-agents";
import { microvm } from "@emberbox/microvm";
import { Agent, applyPatchTool, type RunItem, Runner, shellTool } from "@openai/agents-core";
import { SandboxAgent } from "@openai/agents-core/sandbox";
import { assistantMessage, functionCall, ScriptedModel } from "@openai/agents-core/testing";
import { describe, expect, test } from "vitest";
import { createSandbox, provider } from "../support/sandboxes.ts";
import { SOURCE, sourceNode } from "../../scripts/source.ts";

const runner = new Runner({ tracingDisabled: true });
const client = new EmberboxSandboxClient({ provider });

/** A model that makes these calls, one for each answer, and then says that it is done. */
function script(calls: readonly (readonly [name: string, input: object])[]): ScriptedModel {
  const steps = calls.map(([name, input], at) => [
    functionCall(name, { ...input }, { callId: `call-${at}` }),
  ]);
  return new ScriptedModel([...steps, [assistantMessage("done")]]);
}

/** What came out of each call, as the model reads it. */
function outputs(items: readonly RunItem[]): string[] {
  return items.flatMap((item) =>
    item.type === "tool_call_output_item"
      ? [
          JSON.stringify(
            item.rawItem.type === "function_call_result" ? item.rawItem.output : item.rawItem,
          ),
        ]
      : [],
  );
}

interface Ended {
  readonly status: number | null;
  readonly signal: string | null;
  readonly printed: string;
}

function runProgram(name: string, ...parameters: string[]): Ended {
  const program = [SOURCE, join(import.meta.dirname, name), ...parameters];
  const { status, signal, stdout, stderr } = spawnSync(sourceNode, program, {
    encoding: "utf8",
    timeout: 250_000,
  });
  return { status, signal, printed: `${stdout}${stderr}` };
}

describeTools(
  "OpenAI Agents",
  () => microvm(),
  (provider) => {
    const heard = new Map<string, (text: string) => void>();
    const kit = sandboxTools(provider, {
      maxPictureBytes: 100_000,
      threadId: (context) => (context as { threadId?: string }).threadId,
      onOutput: ({ text }, { toolCallId }) => heard.get(toolCallId ?? "")?.(text),
    });
    let count = 0;
    return {
      async call(tool, input, { signal, onOutput, threadId } = {}) {
        const callId = `call-${(count += 1)}`;
        if (onOutput) heard.set(callId, onOutput);
        const model = new ScriptedModel([
          [
            functionCall(tool, typeof input === "string" ? input : JSON.stringify(input), {
              callId,
            }),
          ],
          [assistantMessage("done")],
        ]);
        const agent = new Agent({ name: "caller", model, tools: kit.tools });
        const { newItems } = await runner.run(agent, "go", {
          context: { threadId },
          ...(signal && { signal }),
        });
        const item = newItems.find((item) => item.type === "tool_call_output_item");
        if (item?.type !== "tool_call_output_item") throw new Error("The tool was not called");
        const parts = item.output as { type: string; text?: string; image?: string }[];
        return {
          text: parts.map(({ text = "" }) => text).join(""),
          isError: item.customData?.["isError"] === true,
          pictures: parts
            .filter(({ type }) => type === "image")
            .map(({ image }) => {
              const [, mimeType, base64] = /^data:(.*);base64,(.*)$/.exec(image!)!;
              return { mimeType: mimeType!, base64: base64! };
            }),
        };
      },
      [Symbol.asyncDispose]: () => kit[Symbol.asyncDispose](),
    };
  },
);

describe("an agent of the OpenAI Agents SDK", () => {
  test("works in its sandbox over several calls: state, an error it corrects, a picture and a file", async () => {
    const before = (await provider.list()).length;
    const model = script([
      [
        "run_code",
        {
          code: "import os\nvalues = [3, 5, 8]\nopen('values.txt', 'w').write('3 5 8')\nos.getcwd()",
        },
      ],
      ["run_code", { code: "sum(value)" }],
      ["run_code", { code: "sum(values)" }],
      ["exec_command", { cmd: "cat values.txt; ls /nowhere" }],
      [
        "run_code",
        {
          code: "import matplotlib.pyplot as plt\nplt.plot(values)\nplt.savefig('plot.png')\nplt.show()",
        },
      ],
      ["view_image", { path: "plot.png" }],
    ]);
    const agent = new SandboxAgent({ name: "analyst", model, capabilities: capabilities() });
    const { finalOutput, newItems } = await runner.run(agent, "go", { sandbox: { client } });
    expect(finalOutput).toBe("done");
    const [cwd, wrong, right, command, drawn, viewed] = outputs(newItems);
    expect(cwd).toContain("/workspace");
    expect(wrong).toContain("NameError");
    expect(right).toContain("16");
    expect(command).toMatch(/3 5 8[\s\S]*nowhere[\s\S]*/);
    expect(command).toContain("exited with code 2");
    expect(drawn).toContain("data:image/png;base64,");
    expect(viewed).toContain("image");
    model.assertComplete();
    expect((await provider.list()).length).toBe(before);
  });

  test("edits with the patch tool, also where a model takes nothing but functions", async () => {
    const native = new ScriptedModel([
      [
        {
          type: "apply_patch_call",
          callId: "p",
          status: "completed",
          operation: { type: "create_file", path: "a.txt", diff: "+one\n" },
        },
      ],
      [functionCall("exec_command", { cmd: "cat a.txt" }, { callId: "c" })],
      [assistantMessage("done")],
    ]);
    const agent = new SandboxAgent({ name: "editor", model: native, capabilities: capabilities() });
    const { newItems } = await runner.run(agent, "go", { sandbox: { client } });
    expect(outputs(newItems).at(-1)).toContain("one");

    const functions = script([
      ["apply_patch", { type: "create_file", path: "b.txt", diff: "+two\n" }],
      ["apply_patch", { type: "update_file", path: "b.txt", diff: "@@\n-three\n" }],
    ]);
    const other = new SandboxAgent({
      name: "other",
      model: functions,
      capabilities: capabilities({ functionsOnly: true }),
    });
    const answers = outputs((await runner.run(other, "go", { sandbox: { client } })).newItems);
    expect(answers[0]).toContain("Created b.txt");
    expect(answers[1]).toContain("The patch failed");
  });

  test("an abort ends a 60-second command within a second, and it is gone from the sandbox", async () => {
    await using sandbox = await createSandbox();
    const given = new EmberboxSandboxClient({ sandbox });
    for (const tool of ["exec_command", "run_code"]) {
      const controller = new AbortController();
      const input =
        tool === "run_code"
          ? { code: "import subprocess; subprocess.run(['sleep', '61'])" }
          : { cmd: "sleep 61; true", yield_time_ms: 60_000 };
      const agent = new SandboxAgent({
        name: "slow",
        model: script([[tool, input]]),
        capabilities: capabilities(),
      });
      const run = runner.run(agent, "go", {
        sandbox: { client: given },
        signal: controller.signal,
      });
      const ended = run.then(
        () => "finished",
        () => "rejected",
      );
      await expect
        .poll(async () => (await sandbox.commands.run("pgrep -x sleep")).exitCode, {
          timeout: 60_000,
          interval: 200,
        })
        .toBe(0);
      const start = Date.now();
      controller.abort(new Error("enough"));
      expect(await ended).toBe("rejected");
      expect(Date.now() - start).toBeLessThan(1000);
      expect((await sandbox.commands.run("ps -eo args")).stdout).not.toContain("sleep 61");
    }
  });

  test("a tool's time limit ends the command", async () => {
    await using sandbox = await createSandbox();
    const given = new EmberboxSandboxClient({ sandbox });
    const model = script([["exec_command", { cmd: "sleep 62", yield_time_ms: 60_000 }]]);
    const agent = new SandboxAgent({
      name: "slow",
      model,
      capabilities: capabilities({ timeoutMs: 2000 }),
    });
    const { newItems } = await runner.run(agent, "go", { sandbox: { client: given } });
    expect(outputs(newItems)[0]).toContain("timed out after 2000ms");
    expect((await sandbox.commands.run("ps -eo args")).stdout).not.toContain("sleep 62");
  });

  test("goes on in the same sandbox after an approval, and ends it then", async () => {
    const before = new Set((await provider.list()).map(({ sandboxId }) => sandboxId));
    const model = script([
      ["run_code", { code: "x = 20" }],
      ["exec_command", { cmd: "echo allowed > /tmp/allowed" }],
      ["run_code", { code: "open('/tmp/allowed').read() + str(x + 1)" }],
    ]);
    const approving = capabilities({ needsApproval: true, runCode: { needsApproval: false } });
    const agent = new SandboxAgent({ name: "careful", model, capabilities: approving });
    const { state, interruptions } = await runner.run(agent, "go", { sandbox: { client } });
    const waiting = (await provider.list()).filter(({ sandboxId }) => !before.has(sandboxId));
    expect(waiting.map(({ state }) => state)).toEqual([
      provider.capabilities.pause ? "paused" : "running",
    ]);
    for (const interruption of interruptions) state.approve(interruption);
    const { newItems } = await runner.run(agent, state, { sandbox: { client } });
    expect(outputs(newItems).at(-1)).toMatch(/allowed.*21/);
    expect((await provider.list()).filter(({ sandboxId }) => !before.has(sandboxId))).toEqual([]);
  });

  test.each(["pause", "machine", "archive"])(
    "waits for approval while the program is killed, and its workspace is still there: %s",
    (kept) => {
      const folder = mkdtempSync(join(tmpdir(), "emberbox-approval-"));
      try {
        const begun = runProgram("approval.ts", "begin", kept, folder);
        expect(begun.signal, begun.printed).toBe("SIGKILL");
        const approved = runProgram("approval.ts", "approve", kept, folder);
        expect(approved.status, approved.printed).toBe(0);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  );

  test("a program of CommonJS runs agents in it, too", () => {
    const { status, printed } = runProgram("commonjs.cts");
    expect(status, printed).toBe(0);
  });

  test("plain agents have the framework's own shell and patch tools", async () => {
    await using kit = sandboxTools(provider, { include: ["read_file"] });
    const model = new ScriptedModel([
      [
        {
          type: "apply_patch_call",
          callId: "p",
          status: "completed",
          operation: { type: "create_file", path: "a.txt", diff: "+one\n" },
        },
      ],
      [
        {
          type: "shell_call",
          callId: "s",
          status: "completed",
          action: { commands: ["cat a.txt; exit 4"] },
        },
      ],
      [functionCall("read_file", { path: "a.txt" }, { callId: "r" })],
      [assistantMessage("done")],
    ]);
    const tools = [
      ...kit.tools,
      shellTool({ shell: kit.shell }),
      applyPatchTool({ editor: kit.editor }),
    ];
    const { newItems } = await runner.run(new Agent({ name: "plain", model, tools }), "go");
    const [patched, shell, read] = outputs(newItems);
    expect(patched).toContain("completed");
    expect(shell).toMatch(/one[\s\S]*exitCode[^0-9]*4/);
    expect(read).toContain("one");
  });
});
