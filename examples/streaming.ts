// Output as it arrives, progress bars, and stopping code. Run it with: node examples/streaming.ts
import { EmberboxError, type Execution, Sandbox } from "emberbox";

const sandbox = await Sandbox.create();

// Callbacks get output while the code runs. A promise that one returns is awaited, which slows the code down.
const months = new Map<string, number>();
let unfinished = "";
await sandbox.runCode(
  `
import numpy as np, pandas as pd, sys
random = np.random.default_rng(3)
orders = pd.DataFrame({
    "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(random.integers(0, 366, 50_000), "D"),
    "amount": random.gamma(3, 20, 50_000).round(2),
})
groups = orders.groupby(orders.day.dt.month)
for done, (month, group) in enumerate(groups, 1):
    print(f"{month},{group.amount.sum():.0f}")
    print(f"\\r{done}/{len(groups)} months", end="", file=sys.stderr)
`,
  {
    // Output arrives in the pieces that the system delivers: a piece may be several lines, or part of one.
    onStdout: ({ line }) => {
      const rows = (unfinished + line).split("\n");
      unfinished = rows.pop()!;
      for (const row of rows) {
        const [month, sum] = row.split(",");
        months.set(month!, Number(sum));
      }
    },
    // Carriage returns are kept, so a terminal shows the progress bar as intended.
    onStderr: ({ line }) => void process.stderr.write(line),
  },
);
if (months.size !== 12) throw new Error(`expected 12 months, not ${months.size}`);
console.log(`\n${months.size} months, the best with ${Math.max(...months.values())}`);

// A time limit interrupts the code; the interpreter and its variables survive.
try {
  await sandbox.runCode("done = []\nwhile True: done.append(len(done))", { timeoutMs: 1000 });
} catch (error) {
  if (!EmberboxError.isInstance(error) || error.code !== "timeout") throw error;
  console.log(error.message);
}
const { text } = await sandbox.runCode("len(orders), len(done) > 0");
console.log("still there:", text);

// So does an AbortSignal. What the code had printed by then is in the error's details.
const controller = new AbortController();
const counting =
  "import itertools, time\nfor i in itertools.count():\n    print(i)\n    time.sleep(0.05)";
const aborted = await sandbox
  .runCode(counting, {
    signal: controller.signal,
    onStdout: ({ line }) => {
      if (line.includes("3")) controller.abort(new Error("that is enough"));
    },
  })
  .catch((error: Error) => error);
console.log((aborted as Exclude<typeof aborted, Execution>).message);

await sandbox.kill();
