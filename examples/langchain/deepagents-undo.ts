// A deep agent that goes back to an earlier state of its thread finds its machine as it was there.
import { AIMessage, type BaseMessage } from "@langchain/core/messages";
import { fakeModel } from "@langchain/core/testing";
import { MemorySaver } from "@langchain/langgraph";
import { createSandboxBackend } from "@emberbox/langchain/deepagents";
import { createCheckpointMiddleware } from "@emberbox/langchain/middleware";
import { createDeepAgent } from "deepagents";

const call = (id: string, name: string, args: Record<string, unknown>): AIMessage =>
  new AIMessage({ content: "", tool_calls: [{ id, name, args }] });
const file_path = "/home/user/plan.md";
// This takes the model's place.
const model = fakeModel()
  .respond(call("1", "write_file", { file_path, content: "the only copy\n" }))
  .respond(new AIMessage("The plan is there."))
  .respond(call("2", "execute", { command: "rm plan.md" }))
  .respond(new AIMessage("The plan is gone."))
  .respond(call("3", "execute", { command: "cat plan.md" }))
  .respond(new AIMessage("Here it is."));

// The newest 20 checkpoints stay, instead of 100.
const checkpoints = { each: "call", keep: { last: 20 } } as const;
const backend = createSandboxBackend(undefined, { checkpoints });
const agent = createDeepAgent({
  name: "planner",
  model,
  backend,
  middleware: [createCheckpointMiddleware()],
  checkpointer: new MemorySaver(),
});
const thread = { configurable: { thread_id: "plan" } };
const ask = (content: string): { messages: { role: "user"; content: string }[] } => ({
  messages: [{ role: "user", content }],
});

await agent.invoke(ask("Make a plan."), thread);
const { config: before } = await agent.graph.getState(thread);
await agent.invoke(ask("Clean up."), thread);

// Again, from the state before the cleaning up.
const { messages } = await agent.invoke(ask("What is the plan?"), before);
console.log((messages as BaseMessage[]).at(-2)?.text);
await backend[Symbol.asyncDispose]();
