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

async function linesOf(code: string, options: Parameters<typeof run>[1]): Promise<string[]> {
  const { logs, error } = await run(code, options);
  expect(error, options?.language).toBe(undefined);
  return logs.stdout.join("").split("\n");
}

test("kernel.user: runs as who is asked for, with what is theirs and within the same limits", async () => {
  const kernels = "~/.local/share/jupyter/kernels";
  await sandbox.commands.run(
    `mkdir -p ${kernels} && cp -r /home/user/.local/share/jupyter/kernels/plain-python ${kernels}/roots-own`,
    { user: "root" },
  );
  const unknown = sandbox.runCode("1", { language: "roots-own" });
  await expect(unknown).rejects.toMatchObject({ code: "unknown_language" });
  const python =
    "import os\nprint(os.getuid(), os.environ['HOME'])\nfor name in ('cgroup', 'oom_score_adj', 'limits'): print(open('/proc/self/' + name).read())";
  const bash =
    "echo $UID $HOME; for name in cgroup oom_score_adj limits; do cat /proc/$$/$name; echo; done";
  const javascript =
    "const fs = require('fs');\nconsole.log(process.getuid(), process.env.HOME);\nfor (const name of ['cgroup', 'oom_score_adj', 'limits']) console.log(fs.readFileSync('/proc/self/' + name, 'utf8'))";
  const probes = { python, javascript, bash, "roots-own": python };
  for (const [roots, code] of Object.entries(probes)) {
    const [who, ...usual] = await linesOf(code, { language: roots.replace("roots-own", language) });
    expect(who).toBe("1000 /home/user");
    expect(await linesOf(code, { language: roots, user: "root" }), roots).toEqual([
      ...["0 /root", ...usual],
    ]);
  }
  for (const context of await sandbox.listCodeContexts())
    if (context.user === "root") await sandbox.removeCodeContext(context);
});

test("kernel.user-home: Python's packages, settings and groups are the user's, who may have no home", async () => {
  const make =
    "useradd --no-create-home --home-dir /nowhere --groups audio ghost && python3 -c 'import os, site; os.makedirs(site.getusersitepackages(), exist_ok=True)' && echo 'mine = 1' > $(python3 -m site --user-site)/roots_package.py";
  const made = await sandbox.commands.run(make, { user: "root" });
  expect(made.exitCode, made.stderr).toBe(0);
  const own = await sandbox.runCode(
    "import roots_package, sys\n(roots_package.mine, get_ipython().ipython_dir, [path for path in sys.path if '/home/user' in path])",
    { user: "root" },
  );
  expect(own.error?.traceback).toBe(undefined);
  expect(own.text).toBe("(1, '/root/.ipython', [])");
  const others = await sandbox.runCode("import roots_package");
  expect(others.error?.name).toBe("ModuleNotFoundError");
  const stored = await sandbox.runCode(
    "%bookmark kept\nimport os\nos.listdir('/root/.ipython/profile_default/db')",
    { user: "root" },
  );
  expect(stored.error?.traceback).toBe(undefined);
  expect(stored.text).toBe("['bookmarks']");
  const ghost = await sandbox.runCode(
    "import os, grp, pandas\n(os.environ['HOME'], sorted(grp.getgrgid(id).gr_name for id in os.getgroups()))",
    { user: "ghost" },
  );
  expect(ghost.error?.traceback).toBe(undefined);
  expect(ghost.text).toBe("('/nowhere', ['audio', 'ghost'])");
  const shell = await sandbox.runCode("id -un; pwd; cd /root", { user: "ghost", language: "bash" });
  expect(shell.logs.stdout.join("")).toBe("ghost\n/home/user\n");
  expect(shell.error?.name).toBe("ExitStatus");
});
