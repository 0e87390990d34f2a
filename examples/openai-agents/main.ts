import "./support/sales.ts"; // Without OPENAI_API_KEY, a script takes the model's place.

// An agent of the OpenAI Agents SDK with a virtual machine of its own.
import { run } from "@openai/agents";
import { file, Manifest, SandboxAgent } from "@openai/agents/sandbox";
import { capabilities, EmberboxSandboxClient } from "@emberbox/openai-agents";

const agent = new SandboxAgent({
  name: "Analyst",
  instructions: "Answer from the files in the workspace.",
  defaultManifest: new Manifest({
    entries: { "sales.csv": file({ content: "month,sold\n1,12\n2,19\n3,31\n" }) },
  }),
  capabilities: capabilities(), // the framework's own, with aborts that reach the machine, and run_code
});

const { finalOutput, newItems } = await run(
  agent,
  "How many are sold in a month? Draw it, and keep the best one.",
  {
    sandbox: { client: new EmberboxSandboxClient() },
  },
);
for (const item of newItems) {
  if (item.type !== "tool_call_output_item") continue;
  console.log(JSON.stringify(item.output).slice(0, 300), "\n");
}
console.log(finalOutput);
