import { scriptModel } from "./model.ts";

scriptModel(
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
);
