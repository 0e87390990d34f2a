import { EmberboxError, type Execution, type RunCodeOptions, type Sandbox } from "@emberbox/core";
import { codeOf, delay, printed, type Harness } from "../harness.ts";

/** How long 80 MB may take to leave a busy machine, in milliseconds. */
const MUCH_MS = 400_000;
const LANGUAGES = ["python", "javascript", "typescript", "bash"] as const;
type Language = (typeof LANGUAGES)[number];
type Codes = Readonly<Record<Language, string>>;

/** The code of each language; JavaScript and TypeScript share theirs. */
const alike = (python: string, script: string, bash: string): Codes => ({
  python,
  javascript: script,
  typescript: script,
  bash,
});
/** One line that sets a variable, and one that prints it. */
const remember = alike("kept = 'yes'", "globalThis.kept = 'yes'", "kept=yes");
const recall = alike(
  "print(globals().get('kept', 'gone'))",
  "console.log(globalThis.kept ?? 'gone')",
  "echo ${kept-gone}",
);

function run(
  sandbox: Sandbox,
  language: Language,
  code: string,
  options: RunCodeOptions = {},
): Promise<Execution> {
  return sandbox.runCode(code, { language, ...options });
}

/** What goes wrong in code gives, in every language, a result or an error to act on, and the next call works. */
export function describeFailures({ expect, behaviour, failure }: Harness): void {
  /** Runs each language's code, checks the outcome, and that the next call works, with or without variables. */
  async function each(
    sandbox: Sandbox,
    codes: Partial<Codes>,
    keeps: boolean,
    check: (execution: Execution, language: Language) => void,
  ): Promise<void> {
    for (const language of LANGUAGES) {
      const code = codes[language];
      if (code === undefined) continue;
      await run(sandbox, language, remember[language]);
      check(await run(sandbox, language, code), language);
      const after = printed(await run(sandbox, language, recall[language]));
      expect(after, `the next call in ${language}`).toBe(keeps ? "yes\n" : "gone\n");
    }
  }

  behaviour("failure.syntax", async (sandbox) => {
    const script = "const fine = 1;\nif (fine {";
    const codes = alike("fine = 1\nif fine\n    pass", script, "if then; fi");
    await each(sandbox, codes, true, ({ error, logs }, language) => {
      if (language === "bash") {
        expect(error?.name).toBe("ExitStatus");
        expect(logs.stderr.join("")).toContain("syntax error");
        return;
      }
      expect(error?.name).toBe("SyntaxError");
      // The line, with a mark below the place.
      expect(error?.traceback).toMatch(/if \(?fine.*\n +\^/);
      expect(error?.value).toMatch(/expected/i);
    });
  });

  behaviour("failure.cause", async (sandbox) => {
    const python =
      "def inner():\n    return 1 / 0\ntry:\n    inner()\nexcept ZeroDivisionError as error:\n    raise ValueError('outer') from error";
    const script =
      "function inner() { null.x }\ntry { inner() } catch (cause) { throw new Error('outer', { cause }) }";
    await each(
      sandbox,
      { python, javascript: script, typescript: script },
      true,
      ({ error }, language) => {
        expect(error?.value).toBe("outer");
        expect(error?.traceback).toMatch(
          language === "python"
            ? /ZeroDivisionError[^]*ValueError: outer/
            : /outer[^]*cause[^]*inner/,
        );
      },
    );
    const group = await run(
      sandbox,
      "python",
      "error = ExceptionGroup('several', [ValueError('one'), TypeError('two')])\nerror.add_note('a note')\nraise error",
    );
    expect(group.error?.traceback).toMatch(/a note[^]*ValueError: one[^]*TypeError: two/);
  });

  behaviour("failure.long-traceback", async (sandbox) => {
    const python =
      "import sys\nsys.setrecursionlimit(20_000)\ndef down(n):\n    if n == 0: raise ValueError('y' * 1_000_000)\n    return down(n - 1)\ndown(3000)";
    const script =
      "Error.stackTraceLimit = 10_000; function down(n) { if (n === 0) throw new Error('y'.repeat(1_000_000)); return down(n - 1) }\ndown(3000)";
    await each(sandbox, { python, javascript: script, typescript: script }, true, ({ error }) => {
      expect(error?.name).toMatch(/Error$/);
      expect(error!.traceback.length + error!.value.length).toBeLessThan(600_000);
      expect(error?.value).toContain("characters left out");
    });
    await run(sandbox, "python", "sys.setrecursionlimit(3000)");
  });

  behaviour("failure.recursion", async (sandbox) => {
    const script = "function again(n) { return again(n + 1) }\nagain(0)";
    const codes = alike(
      "def again(n): return again(n + 1)\nagain(0)",
      script,
      "again() { again; }; again",
    );
    await each(sandbox, codes, true, ({ error, logs }) => {
      expect(`${error?.traceback} ${logs.stderr.join("")}`).toMatch(
        /RecursionError|call stack|maximum function nesting/,
      );
    });
  });

  behaviour("failure.exit", async (sandbox) => {
    for (const code of ["import sys\nsys.exit(3)", "exit()", "raise SystemExit"])
      await each(sandbox, { python: code }, true, ({ error }) =>
        expect(error?.name).toBe("SystemExit"),
      );
    const script = "console.log('before'); process.exit(3)";
    const python = "import os\nprint('before', flush=True)\nos._exit(3)";
    await each(
      sandbox,
      alike(python, script, "echo before; exec sh -c 'exit 3'"),
      false,
      (execution) => {
        expect(printed(execution)).toBe("before\n");
        expect(execution.error?.name).toBe("KernelDied");
        expect(execution.error?.value).toMatch(/exit code 3.*variables are lost.*fresh/);
      },
    );
  });

  behaviour("failure.interrupt-raised", async (sandbox) => {
    await each(sandbox, { python: "raise KeyboardInterrupt" }, true, ({ error }) =>
      expect(error?.name).toBe("KeyboardInterrupt"),
    );
    const script =
      "process.kill(process.pid, 'SIGINT'); await new Promise((go) => setTimeout(go, 20))";
    await each(sandbox, { javascript: script, typescript: script }, true, ({ error }) =>
      expect(error).toBe(undefined),
    );
    await each(sandbox, { bash: "kill -INT $$; echo not reached" }, true, (execution) => {
      expect(execution.error?.value).toBe("exit status 130 (ended by SIGINT)");
      expect(printed(execution)).toBe("");
    });
  });

  behaviour("failure.crash", async (sandbox) => {
    const script =
      "console.log('before'); process.kill(process.pid, 'SIGSEGV'); await new Promise(() => {})";
    const python = "import ctypes\nprint('before')\nctypes.string_at(0)";
    await each(
      sandbox,
      alike(python, script, "echo before; kill -SEGV $$; sleep 5"),
      false,
      (execution) => {
        expect(printed(execution)).toBe("before\n");
        expect(execution.error?.value).toMatch(/SIGSEGV \(a crash in native code\).*fresh kernel/);
      },
    );
    await each(sandbox, { bash: "bash -c 'kill -SEGV $$'" }, true, ({ error }) =>
      expect(error?.value).toBe("exit status 139 (ended by SIGSEGV)"),
    );
  });

  behaviour(
    "failure.heap",
    async (sandbox) => {
      const code = "const hog = []; for (;;) hog.push(new Array(1e6).fill(1.5))";
      const running = failure(
        run(sandbox, "javascript", code, { timeoutMs: MUCH_MS }),
        "out_of_memory",
      );
      const isOver = running.then(() => true);
      // A command may be what the last of the memory is missing for; it is answered in its usual time.
      while (!(await Promise.race([isOver, delay(1000).then(() => false)]))) {
        const answer = await sandbox.commands.run("echo here").then(({ stdout }) => stdout, codeOf);
        expect(["here\n", "out_of_memory"]).toContain(answer);
      }
      expect((await running).message).toMatch(/memory.*fresh kernel/);
      expect(printed(await run(sandbox, "javascript", recall.javascript))).toBe("gone\n");
    },
    MUCH_MS,
  );

  behaviour("failure.large-value", async (sandbox) => {
    const script = "'x'.repeat(200_000_000)";
    for (const [language, code] of [
      ["python", "'x' * 200_000_000"],
      ["javascript", script],
    ] as const) {
      const outcome = await run(sandbox, language, code).catch((error: unknown) => error);
      if (EmberboxError.isInstance(outcome)) expect(outcome.code).toBe("out_of_memory");
      else expect((outcome as Execution).text).toMatch(/200\.0 MB.*saved in the sandbox as/);
      await run(sandbox, language, "1 + 1").then(({ text }) => expect(text).toBe("2"));
    }
    const object = "({ one: 'x'.repeat(100_000_000), other: 'y'.repeat(100_000_000) })";
    await each(sandbox, { javascript: object }, true, ({ text }) =>
      expect(text).toContain("more characters"),
    );
  });

  /** Runs code that prints 80 MB: more than a kernel may announce at once. */
  async function printsMuch(sandbox: Sandbox, language: Language, code: string): Promise<void> {
    // Contexts share the sandbox's memory; what earlier tests left there must not matter here.
    for (const context of await sandbox.listCodeContexts())
      await sandbox.restartCodeContext(context);
    await run(sandbox, language, remember[language]);
    const execution = await run(sandbox, language, code, { timeoutMs: MUCH_MS });
    expect(execution.truncated).toEqual({ stdoutBytes: 80_000_001 });
    expect(printed(execution).length).toBeLessThan(11 * 1024 * 1024);
    expect(printed(await run(sandbox, language, recall[language]))).toBe("yes\n");
  }

  behaviour(
    "failure.large-print",
    (sandbox) => printsMuch(sandbox, "python", "print('x' * 80_000_000)"),
    MUCH_MS,
  );

  behaviour(
    "javascript.large-print",
    (sandbox) => printsMuch(sandbox, "javascript", "console.log('x'.repeat(80_000_000))"),
    MUCH_MS,
  );

  behaviour("failure.invalid-utf8", async (sandbox) => {
    const script = "process.stdout.write(Buffer.from([97, 255, 98, 10])); console.log('\\ud800')";
    const python =
      "import os, sys\nsys.stdout.buffer.write(b'a\\xffb\\n')\nsys.stdout.flush()\nos.write(1, b'\\xc3')";
    await each(sandbox, alike(python, script, "printf 'a\\xffb\\n\\xc3'"), true, (execution) => {
      expect(printed(execution)).toMatch(/^a\ufffdb\n\ufffd\n?$/);
    });
  });

  behaviour("failure.large-code", async (sandbox) => {
    const long = "y".repeat(5_000_000);
    const script = `console.log('${long}'.length)`;
    await each(
      sandbox,
      alike(`print(len('${long}'))`, script, `long=${long}; echo \${#long}`),
      true,
      (execution) => expect(printed(execution)).toBe("5000000\n"),
    );
    for (const language of LANGUAGES) {
      const refused = run(sandbox, language, "#".repeat(17 * 1024 * 1024));
      const { message } = await failure(refused, "invalid_argument");
      expect(message).toMatch(/limit of 16777216 bytes.*file/);
    }
  });

  behaviour("failure.no-input", async (sandbox) => {
    const python = "import getpass\ngetpass.getpass('name? ')";
    const ask = "input.question('name? ', go)";
    const script = `const input = require('node:readline').createInterface({ input: process.stdin }); await new Promise((go) => ${ask})`;
    for (const codes of [
      { python, javascript: script, typescript: script },
      { python: "input('name? ')", javascript: "prompt('name?')", typescript: "confirm('name?')" },
    ])
      await each(sandbox, codes, true, ({ error }) =>
        expect(error?.value).toMatch(/input was asked for.*without a keyboard.*variable instead/),
      );
    const bash = "read -p 'name? ' name || echo \"no input: $?\"";
    await each(sandbox, { bash }, true, (execution) =>
      expect(printed(execution)).toBe("no input: 1\n"),
    );
  });

  behaviour("failure.removed-context", async (sandbox) => {
    for (const language of LANGUAGES) {
      const context = await sandbox.createCodeContext({ language });
      await sandbox.removeCodeContext(context);
      const { message } = await failure(sandbox.runCode("1", { context }), "context_not_found");
      expect(message).toContain(context.id);
      await failure(sandbox.restartCodeContext(context), "context_not_found");
    }
    await failure(sandbox.createCodeContext({ language: "cobol" }), "unknown_language");
  });
}
