// A data analysis in its own virtual machine. Run it with: npm run quickstart
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { Sandbox } from "emberbox";

/** Prints a step's title, runs it, and prints how long it took. */
async function step<T>(title: string, work: () => Promise<T>): Promise<T> {
  console.log(`\n── ${title}`);
  const started = performance.now();
  const result = await work();
  console.log(`   (${Math.round(performance.now() - started)} ms)`);
  return result;
}

// A fresh virtual machine, restored from a snapshot in which pandas is already imported.
const sandbox = await step("a fresh virtual machine", () => Sandbox.create());

await step("the iris data: correlation matrix", async () => {
  const { text, error } = await sandbox.runCode(`
from sklearn.datasets import load_iris
iris = load_iris(as_frame=True).frame.rename(columns=lambda name: name.removesuffix(" (cm)"))
iris.corr().round(2)
`);
  console.log(error?.traceback ?? text);
});

// Variables stay: this call uses `iris` from the previous one.
await step("a seaborn plot, saved on this computer", async () => {
  const { results, error } = await sandbox.runCode(`
import seaborn
import matplotlib.pyplot as plt
seaborn.scatterplot(data=iris, x="petal length", y="petal width", hue="target", palette="deep")
plt.show()
`);
  const png = results.find((result) => result.png)?.png;
  if (!png) throw new Error(error?.traceback ?? "there is no picture");
  await writeFile("quickstart-iris.png", png, "base64");
  console.log(resolve("quickstart-iris.png"));
});

await step("100 random rows, described as the code runs", async () => {
  await sandbox.runCode(
    `
import numpy as np, pandas as pd
rows = pd.DataFrame(np.random.rand(100, 3), columns=["a", "b", "c"])
print(rows.describe())
`,
    { onStdout: ({ line }) => void process.stdout.write(line) },
  );
});

await step("the same rows, in the next call", async () => {
  const { text } = await sandbox.runCode("len(rows), rows.columns.tolist()");
  console.log(text);
});

await step("an error, with its traceback", async () => {
  const { error } = await sandbox.runCode(`
def share(total, people):
    return total / people

share(100, 0)
`);
  console.log(`${error?.name}: ${error?.value}\n${error?.traceback}`);
});

await step("two contexts that do not see each other", async () => {
  const first = await sandbox.createCodeContext();
  const second = await sandbox.createCodeContext();
  await sandbox.runCode("secret = 42", { context: first });
  const inFirst = await sandbox.runCode("secret", { context: first });
  const inSecond = await sandbox.runCode("secret", { context: second });
  console.log(`first: ${inFirst.text}, second: ${inSecond.error?.name}`);
});

await sandbox.kill();
