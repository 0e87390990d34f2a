// One file of data, four languages. Run it with: node examples/languages.ts
import { type Execution, Sandbox } from "emberbox";

const sandbox = await Sandbox.create();

/** What a call returned; throws if the code failed. */
function answer({ error, text, logs }: Execution): string {
  if (error) throw new Error(error.traceback);
  return text ?? logs.stdout.join("").trimEnd();
}

// 20 000 bicycle rentals: start hour, minutes, member or not.
const python = await sandbox.runCode(`
import numpy as np, pandas as pd
random = np.random.default_rng(7)
count = 20_000
hours = np.clip(random.normal(16, 4, count), 0, 23).astype(int)
trips = pd.DataFrame({
    "hour": hours,
    "minutes": random.gamma(2.0, 7.0, count).round(1),
    "member": random.random(count) < 0.7,
})
trips.to_csv("trips.csv", index=False)
len(trips)
`);
console.log("python wrote", answer(python), "rows");

// JavaScript: top-level imports and await; plain objects are also returned as JSON.
const javascript = await sandbox.runCode(
  `
import { readFile } from "node:fs/promises";
const [head, ...lines] = (await readFile("trips.csv", "utf8")).trim().split("\\n");
const trips = lines.map((line) => line.split(","));
const byHour = Object.groupBy(trips, ([hour]) => hour);
Object.entries(byHour).map(([hour, { length }]) => ({ hour: Number(hour), trips: length })).toSorted((a, b) => b.trips - a.trips).slice(0, 3)
`,
  { language: "javascript" },
);
answer(javascript);
console.log("javascript: the busiest hours are", javascript.results[0]?.json);

// The next call still has the previous call's variables, and may declare them again.
const again = await sandbox.runCode("const lines = trips.length; lines", {
  language: "javascript",
});
console.log("javascript still has", answer(again), "trips");

// TypeScript: types are stripped, not checked.
const typescript = await sandbox.runCode(
  `
import { readFileSync } from "node:fs";
interface Trip { hour: number; minutes: number; member: boolean }
const trips: Trip[] = readFileSync("trips.csv", "utf8").trim().split("\\n").slice(1).map((line) => {
  const [hour, minutes, member] = line.split(",");
  return { hour: Number(hour), minutes: Number(minutes), member: member === "True" };
});
const mean = (all: readonly Trip[]): number => all.reduce((sum, { minutes }) => sum + minutes, 0) / all.length;
\`\${mean(trips.filter(({ member }) => member)).toFixed(1)} minutes\`
`,
  { language: "typescript" },
);
console.log("typescript: members ride for", answer(typescript));

// bash: one shell, which keeps its variables and working directory.
await sandbox.runCode("longest=$(tail -n +2 trips.csv | sort -t, -k2,2 -rn | head -n 1)", {
  language: "bash",
});
console.log(
  "bash: the longest trip is",
  answer(await sandbox.runCode('echo "$longest"', { language: "bash" })),
);

// A non-zero exit status is an error that says so.
const { error } = await sandbox.runCode("grep -q airplane trips.csv", { language: "bash" });
console.log("bash:", error?.value);

await sandbox.kill();
