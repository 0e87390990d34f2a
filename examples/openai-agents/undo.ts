// A run that is resumed from a state that was saved earlier finds its machine as it was then.
import { Agent, RunState, run } from "@openai/agents";
import { sandboxTools } from "@emberbox/openai-agents";
import { scriptModel } from "./support/model.ts";

const kit = sandboxTools(undefined, { checkpoints: "each-call" });
const agent = new Agent({ name: "Secretary", tools: kit.tools });

// Without OPENAI_API_KEY, this takes the model's place.
scriptModel([["run_command", { command: "echo 'the only copy' > notes.txt" }]], "They are there.");
const { state } = await run(agent, "Take notes.");
const saved = state.toString();

scriptModel([["run_command", { command: "rm notes.txt" }]], "They are gone.");
await run(agent, "Clean up.");

await kit.returnTo(await RunState.fromString(agent, saved));
scriptModel([["run_command", { command: "cat notes.txt" }]], "Here they are.");
const { newItems } = await run(agent, "What do the notes say?");
for (const item of newItems) {
  if (item.type === "tool_call_output_item") console.log(item.output);
}
await kit[Symbol.asyncDispose]();
