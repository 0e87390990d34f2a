import { AIMessage } from "@langchain/core/messages";
import { fakeModel } from "@langchain/core/testing";

const chart = `import matplotlib.pyplot as plt
print(f"{len(prices)} prices")
plt.bar(["a", "b", "c"], prices)
plt.show()`;

/** The scripted model makes a typical mistake, and recovers from it. */
const calls: readonly (readonly [name: string, args: Record<string, string>])[] = [
  ["run_code", { code: 'prices = [3, 5, 8]\nprint(f"{len(price)} prices")' }],
  ["run_code", { code: chart }],
  ["write_file", { path: "prices.csv", content: "item,price\na,3\nb,5\nc,8\n" }],
  ["run_command", { command: "wc -l prices.csv" }],
];

const script = fakeModel();
for (const [at, [name, args]] of calls.entries()) {
  script.respond(new AIMessage({ content: "", tool_calls: [{ id: `call-${at}`, name, args }] }));
}
script.respond(new AIMessage("The chart is drawn, and prices.csv has the prices."));

/** A real model when there is a key for one, otherwise the script. */
export const model = process.env["ANTHROPIC_API_KEY"]
  ? "anthropic:claude-sonnet-5-5"
  : process.env["OPENAI_API_KEY"]
    ? "openai:gpt-5-mini"
    : script;
