// A hand-written agent loop: the tools as JSON schemas, and one function that runs what the model calls.
import { writeFile } from "node:fs/promises";
import { createSandboxTools } from "@emberbox/core/tools";
import { scriptedModel } from "./support/scripted-model.ts";

// The sandbox is created by the first call; `await using` ends it.
await using tools = createSandboxTools();

// What a chat API is sent, here in the form of OpenAI's and compatible ones.
const definitions = tools.tools.map(({ name, description, jsonSchema }) => ({
  type: "function",
  function: { name, description, parameters: jsonSchema },
}));

// The model is a script, so that this runs without one; `chat(messages, definitions)` would otherwise be a request.
const chat = scriptedModel([
  { name: "run_code", arguments: '{"code":"prices = [3, 5, 8]\\nsum(prices) / len(price)"}' },
  { name: "run_code", arguments: '{"code":"mean = sum(prices) / len(prices)\\nround(mean, 2)"}' },
  {
    name: "run_code",
    arguments: JSON.stringify({
      code: "import matplotlib.pyplot as plt\nplt.bar(['a', 'b', 'c'], prices)\nplt.axhline(mean)\nplt.show()",
    }),
  },
  {
    name: "write_file",
    arguments: '{"path":"report/prices.csv","content":"item,price\\na,3\\nb,5\\n"}',
  },
  { name: "run_command", arguments: '{"command":"wc -l report/prices.csv"}' },
  "The mean price is 5.33; the chart shows it as a line.",
]);

const messages: { role: string; content: string }[] = [
  { role: "user", content: "What is the mean price? Draw it, and keep a list." },
];
for (;;) {
  const answer = await chat(messages, definitions);
  if (typeof answer === "string") {
    console.log(`\nthe model says: ${answer}`);
    break;
  }
  // This does not throw: a failure is text that tells the model how to go on.
  const result = await tools.execute(answer.name, answer.arguments);
  console.log(`\n── ${answer.name} ${answer.arguments}\n${result.text}`);
  messages.push({ role: "tool", content: result.text });
  for (const picture of result.pictures) {
    await writeFile("tools-chart.png", picture.base64, "base64");
  }
}
