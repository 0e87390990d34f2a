import "./support/review-by-claude.ts"; // Without ANTHROPIC_API_KEY, a script takes the model's place.
import "./support/repository.ts"; // A small repository, `prices`, whose test fails.

// An agent works on a folder of yours, and you decide what of its work becomes yours.
import { anthropic } from "@ai-sdk/anthropic";
import { generateText, isStepCount } from "ai";
import { createSandboxTools } from "@emberbox/ai-sdk";
import { Sandbox } from "emberbox";

const sandbox = await Sandbox.create({ workspace: "./prices" });
const { workspace } = sandbox;
for (const { path, detail } of workspace.leftOut) console.log(`${path} stays here: ${detail}`);

const { text } = await generateText({
  model: anthropic("claude-sonnet-5-5"),
  tools: createSandboxTools(sandbox).tools,
  stopWhen: isStepCount(20),
  prompt: "The test of the repository in `prices` fails. Correct it, and complete the README.",
});
console.log(`\n${text}\n`);

// Nothing has reached the folder so far.
const diff = await workspace.diff();
console.log(diff.text);

// What is written is what was shown: if the agent had changed anything since, this would be refused.
const { applied } = await workspace.apply({ paths: ["prices.py"], digest: diff.digest });
console.log(`applied: ${applied.map(({ path }) => path).join(", ")}`);

// The rest is undone, in the sandbox.
await workspace.discard();
console.log(`left: ${(await workspace.changes()).changes.length} changes`);
await sandbox.kill();
