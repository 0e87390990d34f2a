// One program for every place: on this machine, on a server, with E2B's own SDK.
//
//   node anywhere.ts                         microVMs on this machine
//   EMBERBOX_PROVIDER=e2b node anywhere.ts   whatever E2B_API_URL, E2B_SANDBOX_URL and E2B_API_KEY name
//   node anywhere.ts @e2b/code-interpreter   the same place, through E2B's SDK
import type { Sandbox as Emberbox } from "emberbox";

const source = process.argv[2] ?? "emberbox";
const { Sandbox } = (await import(source)) as { Sandbox: typeof Emberbox };

/** What a model wrote, step by step, in a real conversation. */
const steps = [
  `import pandas as pd
sales = pd.read_csv("/tmp/sales.csv")
sales`,
  `sales.groupby("region").amount.sum().sort_values(ascending=False)`,
  `sales.amunt.mean()`,
  `print(f"the mean is {sales.amount.mean():.2f}")`,
];

const sandbox = await Sandbox.create({ metadata: { example: "anywhere" } });
try {
  await sandbox.files.write("/tmp/sales.csv", "region,amount\nnorth,120\nsouth,340\nnorth,75\n");
  const { stdout } = await sandbox.commands.run("wc -l < /tmp/sales.csv");
  console.log(`rows with the header: ${stdout.trim()}`);
  for (const code of steps) {
    const { text, logs, error } = await sandbox.runCode(code);
    if (error) console.log(`${error.name}: ${error.value}`);
    if (logs.stdout.length > 0) console.log(logs.stdout.join("").trimEnd());
    if (text !== undefined) console.log(text);
  }
} finally {
  console.log(`killed: ${await sandbox.kill()}`);
}
