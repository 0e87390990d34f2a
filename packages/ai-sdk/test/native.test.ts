import { anthropic } from "@ai-sdk/anthropic";
import { openai } from "@ai-sdk/openai";
import { microvm } from "@emberbox/microvm";
import { generateText, isStepCount } from "ai";
import { afterAll, expect, test } from "vitest";
import { bashToolSandbox } from "../src/bash-tool/index.ts";
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

/** What the package `bash-tool` (1.3.19) calls, and how it tells other sandboxes by their members. */
interface TheirSandbox {
  executeCommand(command: string): Promise<{ stdout: string; stderr: string; exitCode: number }>;
  readFile(path: string): Promise<string>;
  writeFiles(files: { path: string; content: string | Buffer }[]): Promise<void>;
}

test("bash-tool works in the machine of a session", async () => {
  const own = bashToolSandbox(session);
  for (const name of ["sandboxId", "runCommand", "exec"]) expect(own).not.toHaveProperty(name);
  const theirs: TheirSandbox = own;
  expect(own.destination).toBe("/home/user");
  await theirs.writeFiles([
    { path: "/home/user/bt/a.txt", content: "é\n" },
    { path: "bt/b.bin", content: Buffer.of(0xff, 0) },
  ]);
  await theirs.writeFiles([]);
  expect(
    await theirs.executeCommand('cd "/home/user" && cat bt/a.txt; echo err >&2; exit 3'),
  ).toEqual({
    stdout: "é\n",
    stderr: "err\n",
    exitCode: 3,
  });
  expect(await theirs.readFile("bt/a.txt")).toBe("é\n");
  expect((await theirs.executeCommand("od -An -tx1 bt/b.bin")).stdout).toBe(" ff 00\n");
  await expect(theirs.readFile("bt/none")).rejects.toMatchObject({ code: "file_not_found" });
  const limited = bashToolSandbox(session, { timeoutMs: 2000 });
  const slow = await limited.executeCommand("echo begun; sleep 60");
  expect(slow).toMatchObject({ stdout: "begun\n", exitCode: 124 });
  expect(slow.stderr).toContain("time limit of 2000 ms");
  // The session's own, and no time limit.
  expect((await session.run({ command: "sleep 2.5; ls bt" })).stdout).toBe("a.txt\nb.bin\n");
  await own[Symbol.asyncDispose]();
  expect((await session.run({ command: "echo here" })).stdout).toBe("here\n");
  expect(() => bashToolSandbox(session, { timeoutMs: -1 })).toThrow("`timeoutMs`");
});
