// A thread that goes back to an earlier state finds its machine as it was there.
import { AIMessage } from "@langchain/core/messages";
import { fakeModel } from "@langchain/core/testing";
import { MemorySaver } from "@langchain/langgraph";
import { createSandboxMiddleware } from "@emberbox/langchain/middleware";
import { createAgent } from "langchain";

const call = (id: string, command: string): AIMessage =>
  new AIMessage({ content: "", tool_calls: [{ id, name: "run_command", args: { command } }] });
// This takes the model's place.
const model = fakeModel()
  .respond(call("1", "echo 'the only copy' > notes.txt"))
  .respond(new AIMessage("The notes are there."))
  .respond(call("2", "rm notes.txt"))
  .respond(new AIMessage("The notes are gone."))
  .respond(call("3", "cat notes.txt"))
  .respond(new AIMessage("Here they are."));

const sandbox = createSandboxMiddleware(undefined, { checkpoints: "each-call" });
// Any checkpointer: where the machine is, is part of the thread's state.
const agent = createAgent({ model, middleware: [sandbox], checkpointer: new MemorySaver() });
const thread = { configurable: { thread_id: "notes" } };
const ask = (content: string): { messages: { role: "user"; content: string }[] } => ({
  messages: [{ role: "user", content }],
});

await agent.invoke(ask("Take notes."), thread);
const { config: before } = await agent.graph.getState(thread);
await agent.invoke(ask("Clean up."), thread);

// Again, from the state before the cleaning up.
const { messages } = await agent.invoke(ask("What do the notes say?"), before);
console.log(messages.at(-2)?.text);
await sandbox[Symbol.asyncDispose]();
