// One machine shared by an agent's tools and your program, through the AI SDK's `experimental_sandbox`.
import { anthropic } from "@ai-sdk/anthropic";
import { ToolLoopAgent } from "ai";
import { bash, codeExecution } from "@emberbox/ai-sdk";
import { createSandboxSession } from "@emberbox/ai-sdk/session";
import { scriptClaude } from "../support/claude.ts";

// Without ANTHROPIC_API_KEY, this takes the model's place.
scriptClaude(
  [
    {
      name: "python",
      input: { code: "import pandas as pd\nsales = pd.read_csv('sales.csv')\nsales.sold.mean()" },
    },
    { name: "bash", input: { command: "sort -t, -k2 -n -r sales.csv | head -1 > best.csv" } },
  ],
  "On average 20.7 were sold in a month; best.csv has the best.",
);

const session = createSandboxSession();
await session.writeTextFile({ path: "sales.csv", content: "month,sold\n1,12\n2,19\n3,31\n" });

const agent = new ToolLoopAgent({
  model: anthropic("claude-sonnet-5-5"),
  // Without a source, they work in the sandbox of the call, as `anthropic.tools.bash_20250124()` does.
  tools: { python: codeExecution(), bash: bash() },
  instructions: session.description,
});
const { text } = await agent.generate({
  prompt: "How many are sold in a month? Keep the best month in best.csv.",
  experimental_sandbox: session,
});
console.log(text);
console.log("best.csv:", await session.readTextFile({ path: "best.csv" }));
