// Charts as pictures and as data, from 10 000 rows of sales. Run it with: node examples/charts.ts
import { mkdir, writeFile } from "node:fs/promises";
import { type Chart, type Execution, Sandbox } from "emberbox";

const rows = 10_000;
const regions = ["north", "south", "east", "west"];

/** Ten thousand sales within one year, the same on every run. */
function sales(): string {
  let seed = 42;
  const random = (): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed / 2 ** 31;
  };
  const lines = Array.from({ length: rows }, () => {
    const day = Math.floor(random() * 365);
    const region = regions[Math.floor(random() ** 1.5 * regions.length)]!;
    const season = 1 + 0.4 * Math.sin((day / 365) * 2 * Math.PI);
    const price = (20 + 80 * random()) * season;
    const date = new Date(Date.UTC(2024, 0, 1 + day)).toISOString().slice(0, 10);
    return `${date},${region},${price.toFixed(2)}`;
  });
  return ["date,region,price", ...lines].join("\n");
}

/** Draws a chart in the terminal, from its data alone. */
function draw(chart: Chart): void {
  console.log(`\n${chart.type}: ${chart.title ?? "(no title)"}`);
  switch (chart.type) {
    case "line":
    case "scatter":
      for (const { label, points, total_points: total } of chart.elements) {
        const values = points.map(([, y]) => Number(y));
        console.log(`  ${label.padEnd(8)} ${sparkline(values)} ${total ?? points.length} points`);
      }
      console.log(`  ${chart.x_label} (${chart.x_scale}), ${chart.y_label} (${chart.y_scale})`);
      return;
    case "bar": {
      const most = Math.max(...chart.elements.map(({ value }) => value ?? 0));
      for (const { label, value } of chart.elements)
        console.log(
          `  ${label.padEnd(8)} ${"█".repeat(Math.round(((value ?? 0) / most) * 40))} ${value}`,
        );
      console.log(`  ${chart.y_label}, in ${chart.y_unit}`);
      return;
    }
    case "pie":
      for (const { label, angle } of chart.elements)
        console.log(`  ${label.padEnd(8)} ${(((angle ?? 0) / 360) * 100).toFixed(1)} %`);
      return;
    case "box_and_whisker":
      for (const {
        label,
        first_quartile: low,
        median,
        third_quartile: high,
        outliers,
      } of chart.elements)
        console.log(
          `  ${label.padEnd(8)} ${low?.toFixed(2)} … ${median?.toFixed(2)} … ${high?.toFixed(2)}, ${outliers.length} outliers`,
        );
      return;
    case "superchart":
      return chart.elements.forEach(draw);
    case "unknown":
      console.log("  only as a picture");
  }
}

function sparkline(values: readonly number[]): string {
  const width = 52;
  const sums = Array.from({ length: width }, (_, place) => {
    const part = values.slice(
      Math.floor((place * values.length) / width),
      Math.floor(((place + 1) * values.length) / width),
    );
    return part.reduce((sum, value) => sum + value, 0) / Math.max(1, part.length);
  });
  const [low, high] = [Math.min(...sums), Math.max(...sums)];
  return sums.map((sum) => "▁▂▃▄▅▆▇█"[Math.round(((sum - low) / (high - low || 1)) * 7)]).join("");
}

/** Saves the pictures, and draws the same charts from their data. */
async function show(name: string, execution: Execution): Promise<void> {
  if (execution.error) throw new Error(execution.error.traceback);
  const figures = execution.results.filter(({ png }) => png !== undefined);
  if (figures.length === 0) throw new Error(`${name} gave no picture`);
  for (const { png, chart } of figures) {
    await writeFile(`out/${name}.png`, png!, "base64");
    if (!chart) throw new Error(`${name} gave no chart`);
    draw(chart);
    console.log(`  the picture: out/${name}.png`);
  }
}

await mkdir("out", { recursive: true });
const sandbox = await Sandbox.create();
await sandbox.files.write("sales.csv", sales());
const { text } = await sandbox.runCode(`
import pandas as pd, seaborn, matplotlib.pyplot as plt
sales = pd.read_csv("sales.csv", parse_dates=["date"])
len(sales)
`);
if (text !== String(rows)) throw new Error(`expected ${rows} rows, not ${text}`);

await show(
  "by-day",
  await sandbox.runCode(`
daily = sales.pivot_table(index="date", columns="region", values="price", aggfunc="sum").rolling(14).mean().dropna()
plt.plot(daily, label=daily.columns)
plt.title("Sales by day")
plt.xlabel("Day")
plt.ylabel("Revenue (EUR)")
plt.legend()
plt.show()
`),
);

await show(
  "by-region",
  await sandbox.runCode(`
sales.groupby("region").price.sum().round().plot.bar(title="Sales by region", ylabel="Revenue (EUR)")
plt.show()
`),
);

await show(
  "shares-and-prices",
  await sandbox.runCode(`
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4))
shares = sales.region.value_counts()
left.pie(shares, labels=shares.index)
left.set_title("Share of sales")
seaborn.boxplot(data=sales, x="region", y="price", ax=right)
right.set_title("Prices")
figure
`),
);

await show(
  "every-sale",
  await sandbox.runCode(`
seaborn.scatterplot(data=sales, x="date", y="price", s=4)
plt.title("Every sale")
plt.show()
`),
);

// A data frame is returned as columns; with `reportFiles`, so are the files that the code created.
const monthly = await sandbox.runCode(
  `
monthly = sales.resample("M", on="date").price.agg(["count", "mean"]).round(2).reset_index()
monthly.to_csv("monthly.csv", index=False)
monthly.head(3)
`,
  { reportFiles: true },
);
console.log("\n", monthly.results[0]?.data, monthly.files);

await sandbox.kill();
