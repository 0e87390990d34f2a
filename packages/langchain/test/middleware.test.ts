import { AIMessage, HumanMessage, type BaseMessage } from "@langchain/core/messages";
import { fakeModel } from "@langchain/core/testing";
import { MemorySaver } from "@langchain/langgraph";
import { microvm } from "@emberbox/microvm";
import { createAgent } from "langchain";
import { afterAll, expect, test } from "vitest";
import { createSandboxMiddleware } from "../src/middleware/index.ts";

const provider = microvm();
afterAll(() => provider[Symbol.asyncDispose]());

const count = async (): Promise<number> => (await provider.list()).length;
const say = (content: string): { messages: HumanMessage[] } => ({
  messages: [new HumanMessage(content)],
});
const calling = (id: string, name: string, args: Record<string, unknown>): AIMessage =>
  new AIMessage({ content: "", tool_calls: [{ id, name, args }] });
const types = (messages: readonly BaseMessage[] | undefined): string[] =>
  (messages ?? []).map(({ type }) => type);
const draw = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()";

test("the model sees pictures, also from a checkpoint, and the conversation stays as it is", async () => {
  await using middleware = createSandboxMiddleware(provider);
  const model = fakeModel()
    .respond(calling("1", "run_code", { code: draw }))
    .respond(new AIMessage("a line"))
    .respond(new AIMessage("still a line"));
  const checkpointer = new MemorySaver();
  const agent = createAgent({ model, middleware: [middleware], checkpointer });
  const config = { configurable: { thread_id: "pictures" } };
  const first = await agent.invoke(say("Draw."), config);
  expect(types(first.messages)).toEqual(["human", "ai", "tool", "ai"]);
  await agent.invoke(say("Look again."), config);
  for (const seen of [model.calls[1]!.messages, model.calls[2]!.messages.slice(0, 4)]) {
    expect(types(seen)).toEqual(["human", "ai", "tool", "human"]);
    expect(seen[3]!.content).toMatchObject([
      { type: "text" },
      {
        type: "image_url",
        image_url: { url: expect.stringMatching(/^data:image\/png;base64,iVBOR/) },
      },
    ]);
  }
});

test("a conversation goes on after its run was aborted, in the same sandbox", async () => {
  await using middleware = createSandboxMiddleware(provider);
  const model = fakeModel()
    .respond(calling("1", "run_command", { command: "touch kept; echo on; sleep 60.875" }))
    .respond(calling("2", "run_command", { command: "ls; ps -eo args | grep '[s]leep 60.875'" }))
    .respond(new AIMessage("done"));
  const agent = createAgent({ model, middleware: [middleware], checkpointer: new MemorySaver() });
  const configurable = { thread_id: "aborted" };
  const controller = new AbortController();
  const { signal } = controller;
  const stream = await agent.stream(say("Go."), { configurable, signal, streamMode: ["custom"] });
  let at = Infinity;
  const reading = async (): Promise<void> => {
    for await (const _ of stream) {
      at = Date.now();
      controller.abort();
    }
  };
  await expect(reading()).rejects.toThrow();
  expect(Date.now() - at).toBeLessThan(1000);
  const { messages } = await agent.invoke(say("What now?"), { configurable });
  expect(types(model.calls[1]!.messages)).toEqual(["human", "ai", "tool", "human"]);
  expect(model.calls[1]!.messages[2]!.text).toContain("stopped");
  const listed = messages.at(-2)!.text;
  expect(listed).toContain("kept");
  expect(listed).not.toContain("sleep 60.875");
});

test("a sandbox for each run ends with it", async () => {
  await using middleware = createSandboxMiddleware(provider, { scope: "run" });
  const run = async (): Promise<string> => {
    const model = fakeModel()
      .respond(calling("1", "run_command", { command: "ls; touch kept" }))
      .respond(calling("2", "run_command", { command: "ls" }))
      .respond(new AIMessage("done"));
    const agent = createAgent({ model, middleware: [middleware] });
    const { messages } = await agent.invoke(say("Go."));
    return `${messages[2]!.text} ${messages[4]!.text}`;
  };
  const before = await count();
  const both = await Promise.all([run(), run()]);
  for (const text of both) expect(text.match(/kept/g)).toEqual(["kept"]);
  expect(await count()).toBe(before);
});

test("options that cannot be are refused", () => {
  const options = { scope: "user" } as unknown as { scope: "run" };
  expect(() => createSandboxMiddleware(provider, options)).toThrow(/`scope`/);
  expect(() => createSandboxMiddleware(provider, { shownPictures: -1 })).toThrow(/shownPictures/);
});
