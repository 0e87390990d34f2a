import type { Sandbox } from "@emberbox/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { installKernel } from "./support/kernels.ts";
import { createSandbox } from "./support/sandboxes.ts";

let sandbox: Sandbox;
const language = "plain-python";
/** A kernel that starts may take long on a busy machine. */
const timeoutMs = 240_000;
const run: Sandbox["runCode"] = (code, options) =>
  sandbox.runCode(code, { language, timeoutMs, ...options });

beforeAll(async () => {
  sandbox = await createSandbox({ timeoutMs: 3_600_000 });
  await installKernel(sandbox, language, { env: { FROM_SPEC: "${HOME}/there" } });
});
afterAll(async () => void (await sandbox.kill()));

test("kernel.by-name: a kernelspec is all that a language needs", async () => {
  const first = await run("import os\nkept = 1\nos.environ['FROM_SPEC'], os.getcwd()");
  expect(first.error).toBe(undefined);
  expect(first.text).toBe("('/home/user/there', '/home/user')");
  expect(first.executionCount).toBe(1);
  const second = await run("kept + 1");
  expect([second.text, second.executionCount]).toEqual(["2", 2]);
  const context = await sandbox.createCodeContext({
    language,
    cwd: "/tmp",
    requestTimeoutMs: timeoutMs,
  });
  expect(context).toMatchObject({ language, cwd: "/tmp" });
  expect((await sandbox.runCode("import os; os.getcwd()", { context, timeoutMs })).text).toBe(
    "'/tmp'",
  );
  await sandbox.removeCodeContext(context);
});

test("kernel.results: what a kernel emits, in its order", async () => {
  const order: string[] = [];
  const { results, logs } = await run(
    [
      "import sys",
      "print('one', flush=True)",
      "display({'text/html': '<b>two</b>', 'application/x-own': {'a': 1}}, raw=True)",
      "print('three', file=sys.stderr, flush=True)",
      "print('é' * 3, flush=True)",
      "4",
    ].join("\n"),
    {
      onStdout: ({ line }) => void order.push(line.trim()),
      onStderr: ({ line }) => void order.push(line.trim()),
      onResult: (result) => void order.push(result.html ?? result.text ?? ""),
    },
  );
  expect(order.filter((one) => one !== "")).toEqual(["one", "<b>two</b>", "three", "ééé", "4"]);
  expect(results.map(({ isMainResult }) => isMainResult)).toEqual([false, true]);
  expect(results[0]?.extra).toEqual({ "application/x-own": { a: 1 } });
  expect(logs.stderr.join("")).toBe("three\n");
});

test("kernel.error: an exception is a result, and what asks for input gets the usual answer", async () => {
  const { error } = await run("def fails():\n    1 / 0\nfails()");
  expect(error).toMatchObject({ name: "ZeroDivisionError", value: "division by zero" });
  expect(error?.traceback).toContain("\u001B[");
  const input = await run("input('your name?')");
  expect(input.error).toMatchObject({
    name: "StdinNotImplementedError",
    value: expect.stringMatching(/your name\?.*without a keyboard/),
  });
  expect((await run("'next'")).text).toBe("'next'");
});

test("kernel.envs: variables for one call, where the language is known", async () => {
  const code = "import os; print(os.environ.get('ONCE', 'unset'))";
  const once = await run(code, { envs: { ONCE: `it's "é"` } });
  expect(once.logs.stdout.join("")).toBe(`it's "é"\n`);
  expect((await run(code)).logs.stdout.join("")).toBe("unset\n");
  await installKernel(sandbox, "unknown", { language: "klingon" });
  const other = await sandbox.runCode("1", { language: "klingon", timeoutMs, envs: { A: "1" } });
  expect(other.error?.value).toContain("variables cannot be set for one call in klingon");
});

test("kernel.timeout: an interrupt keeps the kernel, by signal or by message", async () => {
  await installKernel(sandbox, "by-message", { interrupt_mode: "message" });
  for (const language of ["plain-python", "by-message"]) {
    await run("survivor = 7", { language });
    for (const code of ["import time; time.sleep(60)", "while True: pass"]) {
      const options = { language, timeoutMs: 1500 };
      const error = await run(code, options).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: "timeout", details: { restarted: false } });
    }
    expect((await run("survivor", { language })).text).toBe("7");
  }
});

test("kernel.dies: its end is told, and a fresh one takes its place", async () => {
  const { error } = await run(
    "print('last words'); import os, sys; sys.stdout.flush(); os.abort()",
  );
  expect(error).toMatchObject({
    name: "KernelDied",
    value: expect.stringMatching(/SIGABRT.*fresh kernel/),
  });
  const next = await run("1 + 1");
  expect([next.text, next.executionCount]).toEqual(["2", 1]);
});

test("kernel.large: results over the limit become a note, and the next call works", async () => {
  const large = await run("'x' * 40_000_000");
  expect(large.results[0]?.text).toMatch(/40\.0 MB .* over the limit of 32 MiB/);
  const larger = await run("display({'text/plain': 'x' * 70_000_000}, raw=True)");
  expect(larger.error?.value).toMatch(/over the limit of 64 MiB.*fresh kernel/);
  expect((await run("1 + 1")).text).toBe("2");
});

test("kernel.slow-reader: who reads slowly slows the kernel, and loses nothing", async () => {
  let seen = 0;
  const code =
    "for i in range(400): display({'text/plain': 'x' * 100_000}, raw=True)\nprint('done')";
  const { logs } = await run(code, {
    onResult: async () => {
      seen++;
      await new Promise((resolve) => setTimeout(resolve, 10));
    },
  });
  expect([seen, logs.stdout.join("")]).toEqual([400, "done\n"]);
});

test("kernel.broken: a kernel that cannot start says why, and what is no kernel is none", async () => {
  await installKernel(sandbox, "crooked", {
    argv: ["/bin/sh", "-c", "echo no licence >&2; exit 9"],
  });
  const { error } = await sandbox.runCode("1", { language: "crooked", timeoutMs });
  expect(error?.value).toMatch(/could not be started.*exit code 9.*no licence/s);
  await installKernel(sandbox, "no-program", { argv: ["/no/such/program"] });
  const missing = await sandbox.runCode("1", { language: "no-program", timeoutMs });
  expect(missing.error?.value).toMatch(/could not be started.*ENOENT/s);
  await sandbox.commands.run(
    "cd ~/.local/share/jupyter/kernels && mkdir pipe text list && mkfifo pipe/kernel.json && echo '{' > text/kernel.json && echo '{\"argv\": [7]}' > list/kernel.json",
  );
  for (const language of ["pipe", "text", "list", "../python3"]) {
    const refused = await sandbox.runCode("1", { language }).catch((thrown: unknown) => thrown);
    expect(refused).toMatchObject({
      code: "unknown_language",
      message: expect.stringContaining("plain-python (python)"),
    });
  }
});

test("kernel.private: what connects to a kernel is for its user alone, and goes with it", async () => {
  const files = async (): Promise<string[]> => {
    const found = await sandbox.commands.run(
      "sudo find /run/emberbox/jupyter -type f -printf '%m %u\\n'",
    );
    return found.stdout.trim().split("\n").filter(Boolean);
  };
  const before = await files();
  expect(new Set(before)).toEqual(new Set(["600 user"]));
  const context = await sandbox.createCodeContext({ language, requestTimeoutMs: timeoutMs });
  expect(await files()).toHaveLength(before.length + 1);
  await sandbox.removeCodeContext(context);
  await expect.poll(files, { timeout: 10_000 }).toHaveLength(before.length);
});
