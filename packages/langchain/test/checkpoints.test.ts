import { AIMessage, HumanMessage, ToolMessage, type BaseMessage } from "@langchain/core/messages";
import { fakeModel } from "@langchain/core/testing";
import { MemorySaver } from "@langchain/langgraph";
import { Sandbox } from "@emberbox/core";
import { SandboxSessions } from "@emberbox/core/tools";
import { microvm } from "@emberbox/microvm";
import { createDeepAgent } from "deepagents";
import { createAgent } from "langchain";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createSandboxBackend } from "../src/deepagents/index.ts";
import { createCheckpointMiddleware, createSandboxMiddleware } from "../src/middleware/index.ts";

// One machine for all: each test works in a directory of its own.
const provider = microvm();
let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await Sandbox.create({ provider, timeoutMs: 900_000 });
});
afterAll(() => provider[Symbol.asyncDispose]());

const checkpoints = "each-call";
const say = (content: string): { messages: HumanMessage[] } => ({
  messages: [new HumanMessage(content)],
});
type Call = { readonly id: string; readonly name: string; readonly args: Record<string, unknown> };
const run = (id: string, command: string, name: string = "run_command"): Call => ({
  id,
  name,
  args: { command },
});
const execute = (id: string, command: string): Call => run(id, command, "execute");
const calling = (...tool_calls: Call[]): AIMessage => new AIMessage({ content: "", tool_calls });
const results = (messages: readonly BaseMessage[]): string[] =>
  messages.filter((message) => ToolMessage.isInstance(message)).map(({ text }) => text);

test("a thread that goes back, or is forked, finds its machine as it was there", async () => {
  await using middleware = createSandboxMiddleware(sandbox, { checkpoints });
  const model = fakeModel()
    .respond(calling(run("1", "mkdir lg; echo one > lg/list")))
    .respond(new AIMessage("first"))
    .respond(calling(run("2", "echo two >> lg/list"), run("3", "echo three >> lg/list")))
    .respond(calling(run("4", "cat lg/list; rm -r lg")))
    .respond(new AIMessage("second"))
    .respond(calling(run("5", "echo other >> lg/list; cat lg/list")))
    .respond(new AIMessage("third"))
    .respond(calling(run("6", "cat lg/list")))
    .respond(new AIMessage("fourth"))
    .respond(calling(run("7", "ls -d lg || echo none")))
    .respond(new AIMessage("fifth"));
  const agent = createAgent({ model, middleware: [middleware], checkpointer: new MemorySaver() });
  const thread = { configurable: { thread_id: "lg" } };
  await agent.invoke(say("Begin."), thread);
  const { config: begun } = await agent.graph.getState(thread);
  const second = await agent.invoke(say("Go on."), thread);
  expect(results(second.messages).at(-1)).toMatch(/one\ntwo\nthree/);
  const { config: wrecked } = await agent.graph.getState(thread);
  // From an earlier state: the machine has what it had then, and nothing of what came after.
  const third = await agent.invoke(say("Another way."), begun);
  expect(results(third.messages).at(-1)).toMatch(/one\nother/);
  expect(results(third.messages).at(-1)).not.toMatch(/two/);
  // A fork that is made by an edit.
  const fork = await agent.graph.updateState(begun, { messages: [new AIMessage("Edited.")] });
  const fourth = await agent.invoke(say("Look."), fork);
  expect(results(fourth.messages).at(-1)).toMatch(/^one\n*$/m);
  expect(results(fourth.messages).at(-1)).not.toMatch(/other/);
  // And forward again, to where it was wrecked.
  const fifth = await agent.invoke(say("Is it there?"), wrecked);
  expect(results(fifth.messages).at(-1)).toContain("none");
});

test("a deep agent's backend goes back, too", async () => {
  const sessions = new SandboxSessions(sandbox, { checkpoints });
  const backend = createSandboxBackend(sessions);
  const model = fakeModel()
    .respond(calling(execute("1", "mkdir da; echo one > da/list")))
    .respond(new AIMessage("first"))
    .respond(calling(execute("2", "rm -r da")))
    .respond(new AIMessage("second"))
    .respond(calling(execute("3", "cat da/list")))
    .respond(new AIMessage("third"));
  const agent = createDeepAgent({
    model,
    backend,
    middleware: [createCheckpointMiddleware()],
    checkpointer: new MemorySaver(),
  });
  const thread = { configurable: { thread_id: "da" } };
  await agent.invoke(say("Begin."), thread);
  const { config } = await agent.graph.getState(thread);
  await agent.invoke(say("Go on."), thread);
  const third = await agent.invoke(say("Look."), config);
  expect(results(third.messages as BaseMessage[]).at(-1)).toContain("one");
});
