// Several namespaces in one sandbox. Run it with: node examples/contexts.ts
import { Sandbox } from "emberbox";

const sandbox = await Sandbox.create();
await sandbox.files.write("north/readings.csv", readings(20_000, 8));
await sandbox.files.write("south/readings.csv", readings(20_000, 17));

/** Made-up hours and temperatures. */
function readings(count: number, mean: number): string {
  const rows = Array.from({ length: count }, (_, hour) => {
    const daily = 5 * Math.sin((hour / 24) * 2 * Math.PI);
    return `${hour},${(mean + daily + 4 * Math.random() - 2).toFixed(2)}`;
  });
  return `hour,celsius\n${rows.join("\n")}\n`;
}

// Each context is a process with its own variables and working directory.
const north = await sandbox.createCodeContext({ cwd: "north" });
const south = await sandbox.createCodeContext({ cwd: "south" });
const load =
  "import pandas as pd\nreadings = pd.read_csv('readings.csv')\nround(readings.celsius.mean())";

// Calls in different contexts run in parallel, calls in one context one after another.
const [one, other] = await Promise.all([
  sandbox.runCode(load, { context: north }),
  sandbox.runCode(load, { context: south }),
]);
console.log(`north ${one.text} °C, south ${other.text} °C`);

// A crash ends only that context's process; the context continues with a fresh one.
const crash = await sandbox.runCode("import ctypes; ctypes.string_at(0)", { context: north });
console.log(crash.error?.value);
console.log(
  "south still has",
  (await sandbox.runCode("len(readings)", { context: south })).text,
  "rows",
);
console.log(
  "north has",
  (await sandbox.runCode("'readings' in globals()", { context: north })).text,
);

// Environment variables can be set for a single call.
const region = "import os; os.environ.get('REGION')";
const set = await sandbox.runCode(region, { context: south, envs: { REGION: "eu" } });
const unset = await sandbox.runCode(region, { context: south });
console.log("REGION was", set.text, "and then", unset.text ?? "not set");

// A context can use any language that the sandbox has.
const shell = await sandbox.createCodeContext({ language: "bash", cwd: "south" });
const lines = await sandbox.runCode("wc -l < readings.csv", { context: shell });
console.log("bash counts", lines.logs.stdout.join("").trim(), "lines");

await sandbox.restartCodeContext(south);
await sandbox.removeCodeContext(north);
for (const { language, cwd } of await sandbox.listCodeContexts()) console.log(language, cwd);

await sandbox.kill();
