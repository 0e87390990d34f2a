// Code, files and commands in a sandbox of an explicit provider. Run it with: node examples/core.ts
import { Sandbox } from "@emberbox/core";
import { microvm } from "@emberbox/microvm";

const provider = microvm();
const sandbox = await Sandbox.create({ provider });

await sandbox.files.write("/tmp/sales.csv", "month,sold\n1,12\n2,19\n");
const { text, error } = await sandbox.runCode(
  `import pandas as pd
print("reading")
pd.read_csv("/tmp/sales.csv").sold.sum()`,
  { onStdout: ({ line }) => process.stdout.write(line) },
);
console.log(error?.traceback ?? text);

const { exitCode, stdout } = await sandbox.commands.run("wc -l < /tmp/sales.csv", {
  timeoutMs: 5_000,
});
console.log(exitCode, stdout.trim());

// Ends the provider's sandboxes. On Node 24, `await using provider = microvm()` does it at the end of the scope.
await provider[Symbol.asyncDispose]();
