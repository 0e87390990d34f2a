import { tools as anthropic } from "@langchain/anthropic";
import { AIMessage, ToolMessage } from "@langchain/core/messages";
import { fakeModel } from "@langchain/core/testing";
import { tools as openai } from "@langchain/openai";
import { microvm } from "@emberbox/microvm";
import { createAgent } from "langchain";
import { afterAll, expect, test } from "vitest";
import { createNativeExecutors } from "../src/native/index.ts";

const provider = microvm();
const native = createNativeExecutors(provider);
afterAll(async () => {
  await native[Symbol.asyncDispose]();
  await provider[Symbol.asyncDispose]();
});

const tools = [
  openai.shell({ execute: native.shell }),
  openai.localShell({ execute: native.localShell }),
  openai.applyPatch({ execute: native.applyPatch }),
  anthropic.bash_20250124({ execute: native.bash }),
  anthropic.textEditor_20250728({ execute: native.textEditor }),
];

async function call(name: string, args: Record<string, unknown>, threadId = "t"): Promise<string> {
  const model = fakeModel()
    .respond(new AIMessage({ content: "", tool_calls: [{ id: "1", name, args }] }))
    .respond(new AIMessage("done"));
  const agent = createAgent({ model, tools });
  const config = { configurable: { thread_id: threadId } };
  const { messages } = await agent.invoke({ messages: [{ role: "user", content: "go" }] }, config);
  return messages.find((message) => ToolMessage.isInstance(message))!.text;
}

test("provider tools work in the sandbox of their thread", async () => {
  const commands = ["echo out; echo err >&2; exit 3", "sleep 60"];
  const { output } = JSON.parse(await call("shell", { commands, timeout_ms: 6000 })) as {
    output: unknown;
  };
  expect(output).toMatchObject([
    { stdout: "out\n", stderr: "err\n", outcome: { type: "exit", exit_code: 3 } },
    { outcome: { type: "timeout" } },
  ]);
  const patch = { type: "create_file", path: "a.txt", diff: "+one\n+two" };
  expect(await call("apply_patch", patch)).toContain("a.txt");
  expect(await call("apply_patch", patch)).toMatch(/^Failed: .*there already/);
  const exec = { type: "exec", command: ["cat", "a.txt"] };
  expect(await call("local_shell", exec)).toContain("two");
  expect(await call("local_shell", exec, "another")).toContain("No such file");
  expect(await call("bash", { command: "cd /tmp; x=1" })).toBe("(no output)");
  expect(await call("bash", { command: "echo $PWD $x" })).toContain("/tmp 1");
  const view = { command: "view", path: "/home/user/a.txt" };
  expect(await call("str_replace_based_edit_tool", view)).toContain("two");
});

test("an abort kills what the provider's tool runs", async () => {
  const [shell] = tools;
  const controller = new AbortController();
  const config = { signal: controller.signal, configurable: { thread_id: "t" } };
  const running = shell!.invoke({ commands: ["sleep 61.125"] }, config);
  setTimeout(() => controller.abort(new Error("enough")), 4000);
  await expect(running).rejects.toThrow();
  const search = { type: "exec", command: ["pgrep", "-f", "[s]leep 61.125"] };
  expect(await call("local_shell", search)).not.toMatch(/^\d+$/m);
});
