import { anthropic } from "@ai-sdk/anthropic";
import { openai } from "@ai-sdk/openai";
import { microvm } from "@emberbox/microvm";
import { generateText, isStepCount } from "ai";
import { afterAll, expect, test } from "vitest";
import { createNativeExecutors } from "../src/native/index.ts";
import { createSandboxSession } from "../src/session/index.ts";
import { resultsSeen, scriptedModel, textOf, type ToolOutput } from "./support/scripted-model.ts";

const provider = microvm();
const session = createSandboxSession(provider);
// Without a source, they work in the sandbox of the call.
const native = createNativeExecutors();
afterAll(async () => {
  await session[Symbol.asyncDispose]();
  await provider[Symbol.asyncDispose]();
});

const tools = {
  shell: openai.tools.shell({ execute: native.shell }),
  local_shell: openai.tools.localShell({ execute: native.localShell }),
  apply_patch: openai.tools.applyPatch({ execute: native.applyPatch }),
  bash: anthropic.tools.bash_20250124({ execute: native.bash }),
  str_replace_based_edit_tool: anthropic.tools.textEditor_20250728({ execute: native.textEditor }),
  their_bash: anthropic.tools.bash_20250124(),
};

async function call(name: keyof typeof tools, args: unknown): Promise<ToolOutput> {
  const model = scriptedModel([{ name, args }]);
  const settings = { stopWhen: isStepCount(2), prompt: "go", experimental_sandbox: session };
  await generateText({ model, tools, ...settings });
  return resultsSeen(model)[0]!;
}
const shell = (commands: string[], more: object = {}) =>
  call("shell", { action: { commands, ...more } });

test("OpenAI's tools answer in their own form", async () => {
  expect(await shell(["echo out; echo err >&2; exit 3", "sleep 60"], { timeoutMs: 1500 })).toEqual({
    type: "json",
    value: {
      output: [
        { stdout: "out\n", stderr: "err\n", outcome: { type: "exit", exitCode: 3 } },
        { stdout: "", stderr: expect.stringContaining("time limit"), outcome: { type: "timeout" } },
      ],
    },
  });
  const operation = { type: "create_file", path: "a.txt", diff: "+one\n+two" };
  const patch = { callId: "c", operation };
  expect(await call("apply_patch", patch)).toMatchObject({ value: { status: "completed" } });
  expect(await call("apply_patch", patch)).toMatchObject({ value: { status: "failed" } });
  const action = { type: "exec", command: ["cat", "a.txt"] };
  expect(await call("local_shell", { action })).toMatchObject({ value: { output: "one\ntwo\n" } });
});

test("Anthropic's tools keep one shell, and edit files; its own bash works in the same machine", async () => {
  await call("bash", { command: "cd /tmp; kept=yes" });
  expect(textOf(await call("bash", { command: "echo $kept $PWD" }))).toBe("yes /tmp");
  await call("bash", { command: "", restart: true });
  expect(textOf(await call("bash", { command: "echo [$kept]" }))).toBe("[]");
  const edit = (command: string, more: object) =>
    call("str_replace_based_edit_tool", { command, path: "/home/user/note.txt", ...more });
  await edit("create", { file_text: "one\ntwo\n" });
  await edit("str_replace", { old_str: "two", new_str: "2" });
  expect(textOf(await edit("view", {}))).toContain("2\t2");
  expect(await call("their_bash", { command: "cat note.txt" })).toMatchObject({
    value: { stdout: "one\n2\n", exitCode: 0 },
  });
});

test("an abort kills what a provider's tool runs", async () => {
  const abortSignal = AbortSignal.timeout(2500);
  const work = generateText({
    model: scriptedModel([{ name: "shell", args: { action: { commands: ["sleep 62.25"] } } }]),
    tools,
    stopWhen: isStepCount(2),
    prompt: "go",
    experimental_sandbox: session,
    abortSignal,
  });
  await expect(work).rejects.toThrow();
  expect(JSON.stringify(await shell(["ps -eo args | grep '[s]leep 62.25'"]))).not.toContain(
    "sleep 62.25\\n",
  );
});
