import { scriptClaude } from "./claude.ts";

const notes = "# Prices\n\n`mean` and `total` of prices.\n";

scriptClaude(
  [
    { name: "run_command", input: { command: "cd prices && python3 test_prices.py" } },
    { name: "read_file", input: { path: "prices/prices.py" } },
    {
      name: "run_command",
      input: { command: "cd prices && sed -i 's/len(price)/len(prices)/' prices.py" },
    },
    { name: "write_file", input: { path: "prices/README.md", content: notes } },
    {
      name: "run_command",
      input: { command: "cd prices && python3 -B test_prices.py && rm -rf __pycache__" },
    },
  ],
  "`mean` used a name that does not exist. It works now, and the README says what there is.",
);
