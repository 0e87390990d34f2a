import { AIMessage, HumanMessage, ToolMessage, type BaseMessage } from "@langchain/core/messages";
import { fakeModel } from "@langchain/core/testing";
import { Command, MemorySaver, type StateSnapshot } from "@langchain/langgraph";
import { SandboxSessions } from "@emberbox/core/tools";
import { microvm } from "@emberbox/microvm";
import { createDeepAgent } from "deepagents";
import { type AgentMiddleware, createAgent, humanInTheLoopMiddleware } from "langchain";
import { afterAll, expect, test } from "vitest";
import { createSandboxBackend } from "../src/deepagents/index.ts";
import {
  createCheckpointMiddleware,
  createSandboxMiddleware,
  type SandboxMiddleware,
} from "../src/middleware/index.ts";

const provider = microvm();
afterAll(() => provider[Symbol.asyncDispose]());

const checkpoints = "each-call";
const say = (content: string): { messages: HumanMessage[] } => ({
  messages: [new HumanMessage(content)],
});
type Call = { readonly id: string; readonly name: string; readonly args: Record<string, unknown> };
const run = (id: string, command: string): Call => ({ id, name: "run_command", args: { command } });
const calling = (...tool_calls: Call[]): AIMessage => new AIMessage({ content: "", tool_calls });
const last = ({ messages }: { readonly messages: readonly BaseMessage[] }): string =>
  messages.findLast((message) => ToolMessage.isInstance(message))!.text;
const scripted = (...steps: AIMessage[]) =>
  steps.reduce((model, step) => model.respond(step), fakeModel());
const done = (): AIMessage => new AIMessage("done");
const execute = (id: string, command: string): Call => ({
  id,
  name: "execute",
  args: { command },
});
const task = (id: string, subagent_type: string): Call => ({
  ...{ id, name: "task" },
  args: { description: "Work.", subagent_type },
});
const seen = (result: unknown): string[] =>
  last(result as { messages: BaseMessage[] }).match(/^(?:begun|alice|bob)$/gm) ?? [];
const lines = (text: string): string[] => text.match(/^(?:one|two|fork|deeper|other)$/gm)!;
const threadOf = (thread_id: string) => ({ configurable: { thread_id } });

test("forks of forks, calls side by side, failed ones, and the state before the first call", async () => {
  await using middleware = createSandboxMiddleware({ provider }, { checkpoints });
  const model = scripted(
    calling(run("1", "echo one >> list"), run("2", "echo two >> list; exit 3")),
    calling(run("3", "rm list; false")),
    done(),
    ...[calling(run("4", "echo fork >> list")), done()],
    ...[calling(run("5", "echo deeper >> list; cat list")), done()],
    ...[calling(run("8", "echo other >> list; cat list")), done()],
    ...[calling(run("6", "cat list || echo nothing")), done()],
    ...[calling(run("7", "ls list || echo created")), done()],
  );
  const agent = createAgent({
    name: "historian",
    model,
    middleware: [middleware],
    checkpointer: new MemorySaver(),
  });
  const thread = threadOf("forks");
  await agent.invoke(say("Begin."), thread);
  const { metadata } = (await provider.list()).at(-1)!;
  expect(metadata).toMatchObject({
    "emberbox.adapter": "langchain",
    "emberbox.thread": "forks",
    "emberbox.agent": "historian",
  });
  const states: StateSnapshot[] = [];
  for await (const state of agent.graph.getStateHistory(thread)) states.unshift(state);
  const has = (id: string) =>
    states.find(
      ({ values, next }) =>
        next.includes("model_request") &&
        values.messages.some(
          (each: BaseMessage) => ToolMessage.isInstance(each) && each.tool_call_id === id,
        ),
    )!.config;
  // Both calls that were made side by side are in it, in whichever order, and the failed one.
  await agent.invoke(say("Another way."), has("2"));
  const { config: forked } = await agent.graph.getState(thread);
  const deeper = lines(last(await agent.invoke(say("And deeper."), forked)));
  expect(deeper.slice(2)).toEqual(["fork", "deeper"]);
  expect(deeper.slice(0, 2).toSorted()).toEqual(["one", "two"]);
  const other = lines(last(await agent.invoke(say("Or so."), forked)));
  expect(other).toEqual([...deeper.slice(0, 3), "other"]);
  // After the call that removed it, though it failed.
  expect(last(await agent.invoke(say("Look."), has("3")))).toContain("nothing");
  const begin = states.find(({ next }) => next.includes("model_request"))!.config;
  expect(last(await agent.invoke(null, begin))).toContain("created");
});

test("a call that waits for a human finds its machine as it was when it was asked for", async () => {
  await using middleware = createSandboxMiddleware({ provider }, { checkpoints });
  const model = scripted(
    ...[calling(run("1", "echo kept > list")), calling(run("2", "cat list; rm list")), done()],
    ...[calling(run("3", "ls list || echo none")), done(), done()],
  );
  // Its types do not go with `exactOptionalPropertyTypes`.
  const interruptOn = { run_command: true };
  const asking = humanInTheLoopMiddleware({ interruptOn } as never) as unknown as AgentMiddleware;
  const agent = createAgent({
    model,
    middleware: [middleware, asking],
    checkpointer: new MemorySaver(),
  });
  const thread = threadOf("human");
  const approve = new Command({ resume: { decisions: [{ type: "approve" }] } });
  await agent.invoke(say("Begin."), thread);
  await agent.invoke(approve, thread);
  const { config: waiting } = await agent.graph.getState(thread);
  expect(last(await agent.invoke(approve, thread))).toContain("kept");
  await agent.invoke(say("More."), thread);
  expect(last(await agent.invoke(approve, thread))).toContain("none");
  // Approved again, from the state in which it was asked for.
  expect(last(await agent.invoke(approve, waiting))).toContain("kept");
});

test("a thread goes on in another program, with its checkpointer, after the one before was killed", async () => {
  const checkpointer = new MemorySaver();
  const agentWith = (middleware: SandboxMiddleware, ...steps: AIMessage[]) =>
    createAgent({ model: scripted(...steps), middleware: [middleware], checkpointer });
  const thread = threadOf("programs");
  const first = createSandboxMiddleware({ provider }, { checkpoints });
  const before = agentWith(
    first,
    ...[calling(run("1", "echo one > list")), done()],
    ...[calling(run("2", "rm list")), done()],
  );
  await before.invoke(say("Begin."), thread);
  const { config: begun } = await before.graph.getState(thread);
  await before.invoke(say("Go on."), thread);
  // The first program's sandbox lives on, as nobody ended it; the second one knows nothing of it.
  await using second = createSandboxMiddleware({ provider }, { checkpoints });
  const after = agentWith(
    second,
    ...[calling(run("3", "ls list || echo none")), done()],
    ...[calling(run("4", "cat list")), done()],
    ...[calling(run("5", "ls list || echo none")), done()],
  );
  expect(last(await after.invoke(say("Look."), thread))).toContain("none");
  const { config: looked } = await after.graph.getState(thread);
  expect(last(await after.invoke(say("Look back."), begun))).toContain("one");
  expect(last(await after.invoke(say("And forward."), looked))).toContain("none");
  const ids = (await provider.list()).map(({ metadata }) => metadata["emberbox.thread"]);
  expect(ids.filter((id) => id === "programs").length).toBeGreaterThan(1);
});

test("subagents that work side by side share their machine, and going back takes back what they did", async () => {
  const sessions = new SandboxSessions({ provider }, { checkpoints }, "deepagents");
  const backend = createSandboxBackend(sessions);
  const subagent = (name: string) => ({
    ...{ name, description: name, systemPrompt: "Work." },
    model: scripted(
      calling(execute(`${name}1`, `echo ${name} >> list`)),
      calling(execute(`${name}2`, `echo ${name} >> list; false`)),
      done(),
    ),
  });
  const agent = createDeepAgent({
    model: scripted(
      calling(execute("1", "echo begun > list")),
      calling(task("2", "alice"), task("3", "bob")),
      calling(execute("4", "cat list; rm list")),
      done(),
      ...[calling(execute("5", "cat list")), done()],
      ...[calling(execute("6", "cat list")), done()],
    ),
    backend,
    subagents: [subagent("alice"), subagent("bob")],
    middleware: [createCheckpointMiddleware()],
    checkpointer: new MemorySaver(),
  });
  const thread = threadOf("subagents");
  const all = ["alice", "alice", "begun", "bob", "bob"];
  const answers = await agent.invoke(say("Begin."), thread);
  expect(seen(answers).toSorted()).toEqual(all);
  const states: StateSnapshot[] = [];
  for await (const state of agent.graph.getStateHistory(thread)) states.unshift(state);
  const after = (id: string): StateSnapshot["config"] =>
    states.find(({ next, values: { messages } }) => {
      const [message] = (messages as BaseMessage[]).slice(-1);
      return (
        next[0]?.startsWith("model_request") &&
        ToolMessage.isInstance(message) &&
        message.tool_call_id === id
      );
    })!.config;
  expect(seen(await agent.invoke(say("Look."), after("1")))).toEqual(["begun"]);
  expect(seen(await agent.invoke(say("Look."), after("3"))).toSorted()).toEqual(all);
  await sessions[Symbol.asyncDispose]();
});
