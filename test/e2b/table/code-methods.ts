import assert from "node:assert/strict";
import { type Method, method } from "./method.ts";

/** What the code interpreter's SDK adds. */
export const codeMethods: readonly Method[] = [
  method("sandbox.runCode", async ({ sandbox }) => {
    const streamed: string[] = [];
    const execution = await sandbox.runCode("print('seen')\nimport os\nos.environ['X'], 6 * 7", {
      envs: { X: "1" },
      onStdout: ({ line }) => void streamed.push(line),
    });
    assert.equal(execution.text, "('1', 42)");
    // In how many parts it comes is not promised.
    assert.equal(streamed.join(""), "seen\n");
    const failed = await sandbox.runCode("1 / 0");
    assert.equal(failed.error?.name, "ZeroDivisionError");
    const figure = await sandbox.runCode(
      "import matplotlib.pyplot as plt\nplt.plot([1, 2], [3, 4])\nplt.title('a title')\nplt.show()",
    );
    assert(figure.results[0]?.png);
    assert.equal(figure.results[0]?.chart?.title, "a title");
    const script = await sandbox.runCode("[1, 2].map((n) => n * 2)", { language: "javascript" });
    assert.match(script.text!, /2, 4/);
  }),
  method("sandbox.createCodeContext", async ({ sandbox, directory }) => {
    const context = await sandbox.createCodeContext({ cwd: directory });
    assert.equal((await sandbox.runCode("import os\nos.getcwd()", { context })).text, directory);
    await sandbox.removeCodeContext(context);
  }),
  method("sandbox.listCodeContexts", async ({ sandbox }) => {
    const context = await sandbox.createCodeContext();
    assert((await sandbox.listCodeContexts()).some(({ id }) => id === context.id));
    await sandbox.removeCodeContext(context);
  }),
  method("sandbox.removeCodeContext", async ({ sandbox }) => {
    const context = await sandbox.createCodeContext();
    await sandbox.removeCodeContext(context.id);
    assert(!(await sandbox.listCodeContexts()).some(({ id }) => id === context.id));
  }),
  method("sandbox.restartCodeContext", async ({ sandbox }) => {
    const context = await sandbox.createCodeContext();
    await sandbox.runCode("x = 1", { context });
    await sandbox.restartCodeContext(context);
    assert.equal((await sandbox.runCode("x", { context })).error?.name, "NameError");
    await sandbox.removeCodeContext(context);
  }),
];
