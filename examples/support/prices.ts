/** A call that a scripted model makes. */
export interface ScriptedCall {
  readonly name: string;
  readonly input: object;
}

const slow = `import time
for price in prices:
    print(price)
    time.sleep(0.5)`;
const chart = `import matplotlib.pyplot as plt
plt.bar(["a", "b", "c"], prices)
plt.axhline(sum(prices) / len(prices))
plt.show()`;

/** A typical mistake, and how the model recovers from it. */
export const calls: readonly ScriptedCall[] = [
  { name: "run_code", input: { code: "prices = [3, 5, 8]\nsum(prices) / len(price)" } },
  { name: "run_code", input: { code: "round(sum(prices) / len(prices), 2)" } },
  { name: "run_code", input: { code: slow } },
  { name: "run_code", input: { code: chart } },
  { name: "write_file", input: { path: "prices.csv", content: "item,price\na,3\nb,5\nc,8\n" } },
  { name: "run_command", input: { command: "wc -l prices.csv" } },
];

export const lastWords =
  "The mean is 5.33; the chart shows it as a line, and prices.csv has the prices.";
