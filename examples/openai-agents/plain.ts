// A plain agent, without the framework's sandboxes: functions and OpenAI's own shell tool in one sandbox.
import { writeFile } from "node:fs/promises";
import { Agent, run, shellTool } from "@openai/agents";
import { sandboxTools } from "@emberbox/openai-agents";
import { scriptModel } from "./support/model.ts";

// Without OPENAI_API_KEY, this takes the model's place.
scriptModel(
  [
    ["run_code", { code: "squares = [n * n for n in range(10)]\nprint(len(squares), 'squares')" }],
    ["run_code", { code: "import matplotlib.pyplot as plt\nplt.plot(squares)\nplt.show()" }],
    ["write_file", { path: "squares.md", content: "# Squares\n" }],
    ["read_file", { path: "squares.md" }],
  ],
  "Here are the squares.",
);

// The sandbox starts on first use, and ends with this program.
const kit = sandboxTools(undefined, {
  include: ["run_code", "read_file", "write_file"],
  onOutput: ({ text }) => process.stdout.write(text),
});
const agent = new Agent({
  name: "Mathematician",
  tools: [...kit.tools, shellTool({ shell: kit.shell })],
});
const { finalOutput, newItems } = await run(agent, "Draw the squares.");
for (const item of newItems) {
  if (item.type !== "tool_call_output_item" || !Array.isArray(item.output)) continue;
  for (const part of item.output as { type: string; text?: string; image?: string }[]) {
    if (part.text !== undefined) console.log(part.text);
    if (part.image !== undefined)
      await writeFile("squares.png", part.image.split(",")[1]!, "base64");
  }
}
console.log(finalOutput);
