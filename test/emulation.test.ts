import { EmberboxError } from "@emberbox/core";
import { expect, test } from "vitest";
import { openEngine } from "../packages/microvm/src/provider/engine.ts";
import { resolveCreateOptions } from "../packages/microvm/src/restore/create-options.ts";
import { runCommand } from "../packages/microvm/src/template/exercise.ts";
import { createSandbox } from "./support/sandboxes.ts";

const TEN = "for i in 1 2 3 4 5 6 7 8 9 10; do /bin/ls / >/dev/null; done";
/** Ten programs that are translated anew are more than 20 000 blocks. */
const FEW = 5000;
/** In the first ones, there is much that is new; in each, other processes may do something new. */
const ROUNDS = 6;

test("a program that is started again is not translated again", async ({ skip }) => {
  const engine = openEngine({});
  const sandbox = await engine.restore(resolveCreateOptions({}));
  try {
    const { architecture, accelerator } = sandbox.source.template.shape;
    if (accelerator !== "tcg" || architecture !== "x64") skip("nothing is translated");
    const translated = async (): Promise<number> => {
      const how = { "command-line": "info jit" };
      const info = String(await sandbox.machine.qmp.command("human-monitor-command", how));
      return Number(/^TB count +(\d+)/m.exec(info)![1]);
    };
    const rounds: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const before = await translated();
      await runCommand(sandbox.endpoint, TEN);
      rounds.push((await translated()) - before);
    }
    expect(Math.min(...rounds), String(rounds)).toBeLessThan(FEW);
  } finally {
    await sandbox.close(new EmberboxError("sandbox_closed", "the test is done"));
  }
});

test("numpy sorts many numbers, and pandas by them", async () => {
  await using sandbox = await createSandbox();
  const { error, text } = await sandbox.runCode(`
import numpy, pandas
n = 200_000
for kind in ("float64", "float32", "int64", "int32"):
    numbers = (numpy.arange(n) * 7919 % n).astype(kind)
    assert (numbers[numpy.argsort(numbers)] == numpy.arange(n)).all(), kind
    assert (numpy.sort(numbers) == numpy.arange(n)).all(), kind
    numpy.partition(numbers, n // 2), numpy.argpartition(numbers, n // 2)
frame = pandas.DataFrame({"key": numpy.arange(n) % 100, "value": numpy.arange(n) * 0.5})
frame.groupby("key").value.agg(["mean", "max"])
float(frame.sort_values("value", ascending=False).value.iloc[0])`);
  expect(error?.value).toBeUndefined();
  expect(text).toBe("99999.5");
});
