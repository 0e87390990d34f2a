// What happens when code goes wrong. Run it with: node examples/failures.ts
import { EmberboxError, type Execution, Sandbox } from "emberbox";

const sandbox = await Sandbox.create();

/** Runs code that is expected to fail, and shows the error. */
async function fails(title: string, code: string, language = "python"): Promise<Execution> {
  const execution = await sandbox.runCode(code, { language });
  if (!execution.error) throw new Error(`${title}: an error was expected`);
  console.log(`${title} → ${execution.error.name}: ${execution.error.value}`);
  return execution;
}

// An exception is a result: the call succeeds, and `error` has what a person or a model needs to fix the code.
const { error, logs } = await fails(
  "an exception",
  `
import pandas as pd
print("reading")
try:
    pd.read_csv("sales.csv")
except FileNotFoundError as missing:
    raise RuntimeError("no sales to report") from missing
`,
);
console.log(logs.stdout.join(""), error?.traceback.split("\n").at(-1));

await fails("a syntax error", "const rows = [1, 2;", "javascript");
await fails("input()", "name = input('Your name? ')");
await fails("a status other than 0", "grep -q nothing /etc/hostname", "bash");

// A crash loses the interpreter and its variables, nothing else. The next call gets a fresh one.
await fails("a crash in native code", "import ctypes; ctypes.string_at(0)");
await fails("the end of the process", "process.exit(3)", "javascript");
console.log("and on it goes:", (await sandbox.runCode("6 * 7")).text);

// A value that is too large to send is saved in the sandbox, and a note says where.
const large = await sandbox.runCode("'x' * 50_000_000");
console.log(large.text);

// When a call as a whole fails, it throws an EmberboxError, with a code for programs and a hint for people.
for (const call of [
  () => sandbox.runCode("rows = [bytearray(2**25) for _ in range(1000)]"),
  () => sandbox.runCode("while True: pass", { timeoutMs: 1000 }),
  () => sandbox.runCode("WRITE 'HELLO'", { language: "cobol" }),
]) {
  const problem = await call().catch((thrown: unknown) => thrown);
  if (!EmberboxError.isInstance(problem)) throw new Error("an EmberboxError was expected");
  console.log(`${problem.code}: ${problem.message}\n  ${problem.hint}`);
}

await sandbox.kill();
