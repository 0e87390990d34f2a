import { AIMessage, ToolMessage } from "@langchain/core/messages";
import { fakeModel } from "@langchain/core/testing";
import { describeTools } from "@emberbox/conformance/vitest";
import { microvm } from "@emberbox/microvm";
import { createAgent, createMiddleware } from "langchain";
import { afterAll, describe, expect, test } from "vitest";
import { createSandboxTools, type SandboxArtifact } from "../src/index.ts";
import { callThroughAgent } from "./support/agent-call.ts";

const provider = microvm();
afterAll(() => provider[Symbol.asyncDispose]());

describeTools(
  "LangChain",
  () => microvm(),
  (provider) => {
    const sandbox = createSandboxTools(provider, { maxPictureBytes: 100_000 });
    return {
      call: (tool, input, options) => callThroughAgent(sandbox.tools, tool, input, options),
      [Symbol.asyncDispose]: () => sandbox[Symbol.asyncDispose](),
    };
  },
);

const call = (name: string, args: Record<string, unknown>, id: string) => ({ name, args, id });
const user = { messages: [{ role: "user", content: "What is the mean price?" }] };

describe("an agent of LangChain", () => {
  test("goes on from an error, keeps state, gets a picture and a file", async () => {
    await using sandbox = createSandboxTools(provider);
    const model = fakeModel()
      .respondWithTools([
        call("run_code", { code: "prices = [3, 5, 8]\nsum(prices) / len(p)" }, "1"),
      ])
      .respondWithTools([call("run_code", { code: "sum(prices) / len(prices)" }, "2")])
      .respondWithTools([
        call("run_code", { code: "import matplotlib.pyplot as plt\nplt.bar('abc', prices)" }, "3"),
        call("write_file", { path: "prices.csv", content: "a,3\n" }, "4"),
      ])
      .respondWithTools([call("run_command", { command: "cat prices.csv" }, "5")])
      .respond(new AIMessage("5.33"));
    // With any middleware that wraps tool calls, an agent fails when a tool throws.
    const wrapping = createMiddleware({
      name: "wrapping",
      wrapToolCall: (call, next) => next(call),
    });
    const agent = createAgent({ model, tools: sandbox.tools, middleware: [wrapping] });
    const { messages } = await agent.invoke(user);
    const results = messages.filter((message) => ToolMessage.isInstance(message));
    expect(results.map(({ tool_call_id, status }) => [tool_call_id, status])).toEqual([
      ["1", "error"],
      ["2", "success"],
      ["3", "success"],
      ["4", "success"],
      ["5", "success"],
    ]);
    expect(results.every(({ content }) => typeof content === "string")).toBe(true);
    expect(results.map(({ name }) => name)).toContain("run_code");
    expect(results[0]!.text).toContain("NameError: name 'p' is not defined");
    expect(results[1]!.text).toContain("5.33");
    expect((results[2]!.artifact as SandboxArtifact).pictures[0]!.mimeType).toBe("image/png");
    expect((results[4]!.artifact as SandboxArtifact).data).toMatchObject({
      stdout: "a,3\n",
      exitCode: 0,
    });
    expect(model.calls.at(-1)!.messages.at(-1)!.text).toContain("a,3");
  });

  test("streams output as it comes: named in `custom`, as text in `tools`", async () => {
    await using sandbox = createSandboxTools(provider);
    const command = "echo one; sleep 2; echo two >&2";
    const model = fakeModel()
      .respondWithTools([call("run_command", { command }, "c")])
      .respond(new AIMessage("done"));
    const agent = createAgent({ model, tools: sandbox.tools });
    const custom: unknown[] = [];
    const tools: unknown[] = [];
    const stream = await agent.stream(user, { streamMode: ["custom", "tools"] });
    for await (const [mode, chunk] of stream) (mode === "custom" ? custom : tools).push(chunk);
    const output = { type: "sandbox_output", toolCallId: "c", name: "run_command" };
    expect(custom).toEqual([
      { ...output, stream: "stdout", text: "one\n" },
      { ...output, stream: "stderr", text: "two\n" },
    ]);
    const events = tools.filter((chunk) => (chunk as { event: string }).event === "on_tool_event");
    expect(events).toMatchObject([
      { toolCallId: "c", data: "one\n" },
      { toolCallId: "c", data: "two\n" },
    ]);
  });
});

describe("a tool by itself", () => {
  test("answers with text, or with a message when it was a model's call", async () => {
    await using sandbox = createSandboxTools(provider, {
      include: ["run_command"],
      prefix: "box_",
    });
    const [tool] = sandbox.tools;
    const args = { command: "echo hi" };
    expect(await tool!.invoke(args)).toContain("hi");
    const message = await tool!.invoke({
      type: "tool_call",
      name: "box_run_command",
      args,
      id: "x",
    });
    expect(message).toBeInstanceOf(ToolMessage);
    expect(message).toMatchObject({
      name: "box_run_command",
      tool_call_id: "x",
      status: "success",
    });
  });

  test("stops its command when aborted, and does nothing when it was aborted before", async () => {
    await using sandbox = createSandboxTools(provider, { include: ["run_command"] });
    const [tool] = sandbox.tools;
    const before = (await provider.list()).length;
    const aborted = tool!.invoke(
      { command: "true" },
      { signal: AbortSignal.abort(new Error("no")) },
    );
    await expect(aborted).rejects.toThrow("no");
    expect((await provider.list()).length).toBe(before);

    await tool!.invoke({ command: "true" });
    const controller = new AbortController();
    const running = tool!.invoke({ command: "sleep 60.25" }, { signal: controller.signal });
    setTimeout(() => controller.abort(new Error("enough")), 3000);
    await expect(running).rejects.toThrow("enough");
    const at = Date.now();
    const left = await tool!.invoke({ command: "ps -eo args | grep '[s]leep 60.25'; true" });
    expect(left).not.toContain("sleep 60.25");
    expect(Date.now() - at).toBeLessThan(30_000);
  });
});
