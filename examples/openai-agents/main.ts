import { run } from "@openai/agents";
import { file, Manifest, SandboxAgent } from "@openai/agents/sandbox";
import { capabilities, EmberboxSandboxClient } from "@emberbox/openai-agents";
import { modelOr } from "./support/model.ts";

const agent = new SandboxAgent({
  name: "Analyst",
  instructions: "Answer from the files in the workspace.",
  defaultManifest: new Manifest({
    entries: { "sales.csv": file({ content: "month,sold\n1,12\n2,19\n3,31\n" }) },
  }),
  capabilities: capabilities(), // the framework's own, with aborts that reach the machine, and run_code
  ...modelOr(
    [
      [
        "run_code",
        { code: "import pandas as pd\nsales = pd.read_csv('sales.csv')\nsale.sold.mean()" },
      ],
      ["run_code", { code: "mean = sales.sold.mean()\nmean" }],
      ["run_code", { code: "sales.plot(x='month', y='sold').axhline(mean);" }],
      ["exec_command", { cmd: "sort -t, -k2 -n -r sales.csv | head -1 > best.csv; cat best.csv" }],
    ],
    "On average 20.7 were sold in a month; the best was March with 31.",
  ),
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
