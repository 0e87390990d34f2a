import {
  Sandbox as CodeSandbox,
  InvalidArgumentError,
  NotFoundError,
  TimeoutError,
} from "@e2b/code-interpreter";
import { e2b, Sandbox } from "@emberbox/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sdkOptions, startServer } from "../support/server.ts";
import { serve, type ServedSandbox } from "./support/sandbox.ts";

let served: ServedSandbox;
let sandbox: Awaited<ReturnType<ServedSandbox["openCode"]>>;
beforeAll(async () => {
  served = await serve();
  sandbox = await served.openCode();
});
afterAll(() => served[Symbol.asyncDispose]());

describe("@e2b/code-interpreter", () => {
  test("runs code and gives results, output and errors", async () => {
    const printed: string[] = [];
    const execution = await sandbox.runCode(
      "import sys\nprint('out')\nprint('err', file=sys.stderr)\n'val' + 'ue'",
      {
        onStdout: ({ line }) => void printed.push(line),
      },
    );
    expect(execution.text).toBe("value");
    expect(execution.logs.stdout.join("")).toBe("out\n");
    expect(execution.logs.stderr.join("")).toBe("err\n");
    expect(printed).toEqual(execution.logs.stdout);
    expect(execution.executionCount).toBe(1);
    const failed = await sandbox.runCode("1/0");
    expect(failed.error).toMatchObject({ name: "ZeroDivisionError", value: "division by zero" });
    expect(failed.error?.traceback).toContain("1/0");
  });

  test("draws figures with their data, and shows tables", async () => {
    const code =
      "import matplotlib.pyplot as plt\nplt.bar(['a', 'b'], [1, 2])\nplt.title('T')\nplt.show()";
    const [figure] = (await sandbox.runCode(code)).results;
    expect(figure?.png?.length).toBeGreaterThan(1000);
    expect(figure?.chart).toMatchObject({ type: "bar", title: "T" });
    const table = await sandbox.runCode("import pandas as pd\npd.DataFrame({'a': [1, 2]})");
    expect(table.results[0]?.data).toEqual({ a: [1, 2] });
    expect(table.results[0]?.html).toContain("<table");
  });

  test.each([
    ["javascript", "console.log(1 + 1)"],
    ["typescript", "const two: number = 2; console.log(two)"],
    ["bash", "echo $((1 + 1))"],
  ])("runs %s", async (language, code) => {
    expect((await sandbox.runCode(code, { language })).logs.stdout.join("")).toBe("2\n");
  });

  test("keeps contexts", async () => {
    const languages = (await sandbox.listCodeContexts()).map(({ language }) => language);
    expect(languages).toEqual(expect.arrayContaining(["python", "javascript"]));
    const context = await sandbox.createCodeContext({ cwd: "/tmp", language: "python" });
    expect(context).toMatchObject({ language: "python", cwd: "/tmp" });
    expect((await sandbox.runCode("import os\nx = os.getcwd()\nx", { context })).text).toBe("/tmp");
    await sandbox.restartCodeContext(context);
    expect((await sandbox.runCode("x", { context })).error?.name).toBe("NameError");
    await sandbox.removeCodeContext(context);
    expect((await sandbox.listCodeContexts()).map(({ id }) => id)).not.toContain(context.id);
    for (const call of [
      () => sandbox.runCode("1", { context }),
      () => sandbox.removeCodeContext(context),
      () => sandbox.restartCodeContext(context),
    ]) {
      const error = await call().catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(NotFoundError);
      expect((error as Error).message).toContain(`Context ${context.id} not found`);
    }
    const both = sandbox.runCode("1", { context, language: "python" } as never);
    await expect(both).rejects.toThrow(InvalidArgumentError);
  });

  test("sets variables for one run", async () => {
    const code = "import os\nos.environ.get('ONCE')";
    expect((await sandbox.runCode(code, { envs: { ONCE: "yes" } })).text).toBe("yes");
    expect((await sandbox.runCode(code)).text).toBeUndefined();
  });

  test("interrupts what takes too long, and hears from what is silent", async () => {
    const late = sandbox.runCode("import time\ntime.sleep(60)", { timeoutMs: 1500 });
    await expect(late).rejects.toThrow(TimeoutError);
    const silent = await sandbox.runCode("time.sleep(7)\n'awake'", { timeoutMs: 30_000 });
    expect(silent.text).toBe("awake");
  });
});

test("where code is root's, it runs in E2B's directory, unless a user is named", async () => {
  const who = "import os\n(os.getuid(), os.getcwd())";
  const refused = sandbox.createCodeContext({ cwd: "/root" });
  await expect(refused).rejects.toThrow("400");
  const options = sdkOptions(await startServer({ codeUser: "root" }));
  const rooted = await CodeSandbox.create(options);
  try {
    expect((await rooted.runCode(who)).text).toBe("(0, '/home/user')");
    expect((await rooted.runCode("echo $UID", { language: "bash" })).logs.stdout).toEqual(["0\n"]);
    const context = await rooted.createCodeContext({ cwd: "/root" });
    expect(context).toMatchObject({ language: "python", cwd: "/root" });
    expect((await rooted.runCode(who, { context })).text).toBe("(0, '/root')");
    const ours = await Sandbox.connect(rooted.sandboxId, { provider: e2b(options) });
    expect((await ours.runCode(who)).text).toBe("(0, '/home/user')");
    expect((await ours.runCode(who, { user: "user" })).text).toBe("(1000, '/home/user')");
  } finally {
    await rooted.kill();
  }
});

test("the interpreter says that it lives, in a stream and when asked", async () => {
  const headers = { "E2b-Sandbox-Port": "49999" };
  const health = await fetch(`${served.origin}/health`, { headers });
  expect(await health.json()).toBe("OK");
  const body = JSON.stringify({ code: "import time\ntime.sleep(6)" });
  const answer = await fetch(`${served.origin}/execute`, { method: "POST", headers, body });
  const lines = (await answer.text())
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { type: string });
  const said = lines.map(({ type }) => type);
  expect(said.at(-1)).toBe("end_of_execution");
  expect(said).toContain("keepalive");
});

test.each([
  ["python", "import os, time\nwhile not os.path.exists('/tmp/go-on-python'): time.sleep(0.02)"],
  [
    "javascript",
    "const { existsSync } = await import('node:fs'); while (!existsSync('/tmp/go-on-javascript'));",
  ],
  ["bash", "until [ -e /tmp/go-on-bash ]; do sleep 0.1; done"],
])("%s that is silent is answered at once, with its number first", async (language, code) => {
  const answer = await fetch(`${served.origin}/execute`, {
    method: "POST",
    headers: { "E2b-Sandbox-Port": "49999" },
    body: JSON.stringify({ code, language }),
  });
  expect(answer.status).toBe(200);
  const body = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
  expect((await body.read()).value).toMatch(
    /^\{"type":"number_of_executions","execution_count":\d+\}\n/,
  );
  await served.ours.files.write(`/tmp/go-on-${language}`, "");
  let rest = "";
  for (let piece = await body.read(); !piece.done; piece = await body.read()) rest += piece.value;
  expect(rest).toContain("end_of_execution");
});

test("the interpreter refuses with E2B's words", async () => {
  const headers = { "E2b-Sandbox-Port": "49999" };
  const post = async (path: string, body: unknown): Promise<[number, string]> => {
    const options = { method: "POST", headers, body: JSON.stringify(body) };
    const answer = await fetch(`${served.origin}${path}`, options);
    return [answer.status, await answer.text()];
  };
  expect(await post("/execute", { code: "1", context_id: "x", language: "python" })).toEqual([
    400,
    "Only one of context_id or language can be provided",
  ]);
  expect(await post("/execute", { code: "1", context_id: "x" })).toEqual([
    404,
    "Context x not found",
  ]);
  expect(await post("/contexts/x/restart", {})).toEqual([404, "Context x not found"]);
});
