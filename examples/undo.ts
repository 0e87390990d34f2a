// An agent wrecks its data, and goes back one step; then three ways are tried side by side, and the best is kept.
// Run it with: node examples/undo.ts
import { EmberboxError, Sandbox } from "emberbox";

// A script takes the model's place: it breaks its data, and is careful once it hears of that.
function askModel(heard: readonly string[]): string {
  const wasUndone = heard.some((line) => line.includes("taken back"));
  if (heard.length === 0)
    return "orders['total'] = orders.price * orders.amount\norders.total.sum()";
  return wasUndone
    ? "orders['country'] = orders.country.fillna('unknown')\nlen(orders)"
    : "orders = orders.dropna(axis='columns')[:2]; orders.to_csv('orders.csv')\nlen(orders)";
}

const sandbox = await Sandbox.create();
await sandbox.runCode(`
import pandas as pd
orders = pd.DataFrame({
    "price": [3.5, 20, 7, 12.5, 99], "amount": [4, 1, 3, 2, 1],
    "country": ["DE", None, "FR", None, "DE"],
})
orders.to_csv("orders.csv")
`);

// A checkpoint before each step: if a step breaks something, everything is as it was before it, variables too.
const heard: string[] = [];
while (heard.length < 3) {
  const code = askModel(heard);
  const { checkpointId } = await sandbox.checkpoint({ label: `before step ${heard.length + 1}` });
  const { text } = await sandbox.runCode(code);
  const { text: isWhole } = await sandbox.runCode(
    "len(orders) == 5 and len(pd.read_csv('orders.csv')) == 5",
  );
  if (isWhole === "True") heard.push(`the result is ${text}`);
  else {
    const { files, variables } = await sandbox.changesBetween(checkpointId, "now");
    const changed = [
      ...files.map(({ path }) => path),
      ...(variables ?? []).map(({ name }) => name),
    ];
    await sandbox.rollback(checkpointId);
    heard.push("orders were lost, so the sandbox was taken back to before that step");
    console.log("changed by the step that was undone:", changed.join(", "));
  }
}
console.log(heard.join("\n"));
console.log("rows now:", (await sandbox.runCode("len(orders)")).text);

// Three ways to go on, each in a sandbox of its own that begins where this one is.
const ways = ["orders.total.mean()", "orders.total.median()", "orders.total.quantile(0.2)"];
const begin = await sandbox.checkpoint({ label: "before the ways part" });
const branches = await sandbox.branch(begin.checkpointId, { count: ways.length });
const tried = await Promise.all(
  branches.map(async (branch, index) => {
    if (EmberboxError.isInstance(branch)) throw branch;
    const { text } = await branch.runCode(`estimate = ${ways[index]}; abs(estimate - 20)`);
    return { branch, way: ways[index]!, error: Number(text) };
  }),
);
const [best, ...others] = tried.toSorted((a, b) => a.error - b.error);
await Promise.all(others.map(({ branch }) => branch.kill()));
console.log("kept:", best!.way, "->", (await best!.branch.runCode("estimate")).text);

for (const { label, current } of await sandbox.history()) console.log(current ? "*" : " ", label);
await best!.branch.kill();
await sandbox.kill();
