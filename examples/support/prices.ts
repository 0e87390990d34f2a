/** The calls of a scripted model, which makes a typical mistake and recovers from it. */
export const calls: readonly { readonly name: string; readonly input: object }[] = [
  { name: "run_code", input: { code: "prices = [3, 5, 8]\nsum(prices) / len(price)" } },
  { name: "run_code", input: { code: "mean = sum(prices) / len(prices)\nround(mean, 2)" } },
  {
    name: "run_code",
    input: {
      code: "import matplotlib.pyplot as plt\nplt.bar(['a', 'b', 'c'], prices)\nplt.axhline(mean)\nplt.show()",
    },
  },
  { name: "write_file", input: { path: "prices.csv", content: "item,price\na,3\nb,5\nc,8\n" } },
  { name: "run_command", input: { command: "wc -l prices.csv" } },
];

export const lastWords =
  "The mean is 5.33; the chart shows it as a line, and prices.csv has the prices.";
