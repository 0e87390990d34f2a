import { EmberboxError, type Execution } from "@emberbox/core";
import { delay, printed, type Harness } from "../harness.ts";

export function describeCode({ expect, behaviour, failure }: Harness): void {
  behaviour("code.result", async (sandbox) => {
    const first = await sandbox.runCode("6 * 7");
    expect(first.text).toBe("42");
    const second = await sandbox.runCode("'text'");
    expect(second.text).toBe("text");
    expect(second.executionCount).toBe((first.executionCount ?? 0) + 1);
    expect((await sandbox.runCode("x = 1")).results).toEqual([]);
  });

  behaviour("code.state-kept", async (sandbox) => {
    await sandbox.runCode("import math\nkept = 5\ndef double(x): return 2 * x");
    expect((await sandbox.runCode("double(kept) + math.floor(0.5)")).text).toBe("10");
  });

  behaviour("code.output", async (sandbox) => {
    const execution = await sandbox.runCode(
      "import sys\nprint('a')\nprint('b', file=sys.stderr)\nprint('c')",
    );
    expect(printed(execution)).toBe("a\nc\n");
    expect(execution.logs.stderr.join("")).toBe("b\n");
    expect(execution.error).toBe(undefined);
  });

  behaviour("code.output-streamed", async (sandbox) => {
    const started = Date.now();
    const times: number[] = [];
    await sandbox.runCode(
      "import time\nprint('now', flush=True)\ntime.sleep(1.5)\nprint('later')",
      {
        onStdout: () => void times.push(Date.now() - started),
      },
    );
    expect(times.at(-1)! - times[0]!).toBeGreaterThan(700);
  });

  behaviour("code.callback-order", async (sandbox) => {
    const events: string[] = [];
    await sandbox.runCode(
      "import time\nfor i in range(3):\n    print(i, flush=True)\n    time.sleep(0.05)",
      {
        onStdout: async ({ line }) => {
          events.push(`begin ${line.trim()}`);
          await delay(100);
          events.push(`end ${line.trim()}`);
        },
      },
    );
    expect(
      events.every((event, index) => event.startsWith(index % 2 === 0 ? "begin" : "end")),
    ).toBe(true);
  });

  behaviour("code.callback-throws", async (sandbox) => {
    const mine = new Error("mine");
    const running = sandbox.runCode(
      "reached = False\nprint('x', flush=True)\nimport time\ntime.sleep(3)\nreached = True",
      {
        onStdout: () => {
          throw mine;
        },
      },
    );
    expect(await running.catch((error: unknown) => error)).toBe(mine);
    expect((await sandbox.runCode("reached")).text).toBe("False");
  });

  behaviour("code.exception", async (sandbox) => {
    const seen: string[] = [];
    const { error, logs } = await sandbox.runCode("print('before')\n1 / 0", {
      onError: ({ name }) => void seen.push(name),
    });
    expect(error).toMatchObject({ name: "ZeroDivisionError", value: "division by zero" });
    expect(error?.traceback).toContain("ZeroDivisionError");
    expect(logs.stdout.join("")).toBe("before\n");
    expect(seen).toEqual(["ZeroDivisionError"]);
  });

  behaviour("code.syntax-error", async (sandbox) => {
    expect((await sandbox.runCode("def (")).error?.name).toBe("SyntaxError");
  });

  behaviour("code.rich-display", async (sandbox) => {
    const code =
      "from IPython.display import display, HTML, Markdown\ndisplay(HTML('<b>x</b>'))\ndisplay(Markdown('*y*'))\n'main'";
    const { results } = await sandbox.runCode(code);
    expect(
      results.map(({ html, markdown, text, isMainResult }) => [
        html ?? markdown ?? text,
        isMainResult,
      ]),
    ).toEqual([
      ["<b>x</b>", false],
      ["*y*", false],
      ["main", true],
    ]);
  });

  behaviour("code.picture", async (sandbox) => {
    const { results } = await sandbox.runCode(
      "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()",
    );
    const picture = Buffer.from(results.find(({ png }) => png !== undefined)?.png ?? "", "base64");
    expect(picture.subarray(1, 4).toString()).toBe("PNG");
  });

  behaviour("code.data-frame", async (sandbox) => {
    const { results } = await sandbox.runCode(
      "import pandas as pd\npd.DataFrame({'column': [1, 2]})",
    );
    expect(results[0]?.html).toContain("<table");
    expect(results[0]?.text).toContain("column");
  });

  behaviour("code.magics", async (sandbox) => {
    expect(printed(await sandbox.runCode("!echo from the shell"))).toContain("from the shell");
    expect((await sandbox.runCode("output = !echo captured\noutput[0]")).text).toBe("captured");
    expect((await sandbox.runCode("%who_ls int")).error).toBe(undefined);
  });

  behaviour("code.top-level-await", async (sandbox) => {
    expect(
      (await sandbox.runCode("import asyncio\nawait asyncio.sleep(0.01)\n'awaited'")).text,
    ).toBe("awaited");
  });

  behaviour("code.envs", async (sandbox) => {
    const read = "import os\nos.environ.get('ONE_RUN')";
    expect((await sandbox.runCode(read, { envs: { ONE_RUN: "here" } })).text).toBe("here");
    expect((await sandbox.runCode("os.environ.get('ONE_RUN', 'gone')")).text).toBe("gone");
  });

  behaviour("code.unicode", async (sandbox) => {
    const text = "é 中文 😀 \\u0000".replace("\\u0000", "\u0001");
    expect(printed(await sandbox.runCode(`print(${JSON.stringify(text)}, end="")`))).toBe(text);
    expect((await sandbox.runCode(`'''${text}'''`)).text).toContain("中文 😀");
  });

  behaviour("code.home", async (sandbox) => {
    const execution = await sandbox.runCode(
      "import os, getpass\nprint(os.getcwd() == os.path.expanduser('~'), os.getuid() != 0)",
    );
    expect(printed(execution)).toBe("True True\n");
  });

  behaviour("code.no-input", async (sandbox) => {
    expect((await sandbox.runCode("input('?')", { timeoutMs: 20_000 })).error?.name).toMatch(
      /Error/,
    );
  });

  behaviour("code.timeout-keeps-kernel", async (sandbox) => {
    const code = "survivor = 7\nprint('so far', flush=True)\nwhile True: pass";
    const error = await failure(sandbox.runCode(code, { timeoutMs: 1000 }), "timeout");
    const execution = error.details["execution"] as Execution;
    expect(printed(execution)).toBe("so far\n");
    expect(error.details["restarted"]).toBe(false);
    expect((await sandbox.runCode("survivor")).text).toBe("7");
  });

  behaviour("code.timeout-restarts-kernel", async (sandbox) => {
    const context = await sandbox.createCodeContext();
    const code =
      "import signal\nlost = 1\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass";
    const error = await failure(sandbox.runCode(code, { context, timeoutMs: 1000 }), "timeout");
    expect(error.details["restarted"]).toBe(true);
    expect(error.message).toMatch(/lost/);
    expect((await sandbox.runCode("lost", { context })).error?.name).toBe("NameError");
    await sandbox.removeCodeContext(context);
  });

  behaviour("code.no-time-limit", async (sandbox) => {
    expect((await sandbox.runCode("import time\ntime.sleep(0.2)\n1", { timeoutMs: 0 })).text).toBe(
      "1",
    );
  });

  behaviour("code.aborted-before", async (sandbox) => {
    const reason = new Error("not wanted");
    const running = sandbox.runCode("sent = True", { signal: AbortSignal.abort(reason) });
    expect(await running.catch((error: unknown) => error)).toBe(reason);
    expect((await sandbox.runCode("'sent' in globals()")).text).toBe("False");
  });

  behaviour("code.aborted-during", async (sandbox) => {
    const controller = new AbortController();
    const reason = { no: "longer wanted" };
    const code =
      "import time\nticks = 0\nprint('going', flush=True)\nfor _ in range(100):\n    ticks += 1\n    time.sleep(0.1)";
    const running = sandbox.runCode(code, {
      signal: controller.signal,
      onStdout: () => controller.abort(reason),
    });
    expect(await running.catch((error: unknown) => error)).toBe(reason);
    const ticks = Number((await sandbox.runCode("ticks")).text);
    expect(ticks).toBeLessThan(50);
    await delay(300);
    expect(Number((await sandbox.runCode("ticks")).text)).toBe(ticks);
  });

  behaviour("code.one-at-a-time", async (sandbox) => {
    await sandbox.runCode("order = []");
    const numbers = [0, 1, 2, 3];
    await Promise.all(
      numbers.map((number) =>
        sandbox.runCode(`import time\ntime.sleep(0.05)\norder.append(${number})`),
      ),
    );
    expect((await sandbox.runCode("sorted(order)")).text).toBe("[0, 1, 2, 3]");
  });

  behaviour("code.interpreter-dies", async (sandbox) => {
    const context = await sandbox.createCodeContext();
    const outcome = await sandbox
      .runCode("import os\nos._exit(3)", { context })
      .catch((error: unknown) => error);
    if (EmberboxError.isInstance(outcome)) throw outcome;
    expect((outcome as Execution).error?.value).toMatch(/lost|ended|died/i);
    expect((await sandbox.runCode("1 + 1", { context })).text).toBe("2");
    await sandbox.removeCodeContext(context);
  });

  behaviour("code.much-output", async (sandbox) => {
    let seen = 0;
    const code =
      "import sys\nprint('first')\nfor _ in range(12): sys.stdout.write('x' * 1_000_000)\nprint('last')";
    const execution = await sandbox.runCode(code, {
      onStdout: ({ line }) => void (seen += line.length),
    });
    const text = printed(execution);
    expect(seen).toBe(12_000_011);
    expect(execution.truncated?.stdoutBytes).toBe(12_000_011);
    expect([
      text.startsWith("first\n"),
      text.endsWith("last\n"),
      text.includes("12000011 bytes"),
    ]).toEqual([true, true, true]);
    expect(text.length).toBeLessThan(11 * 1024 * 1024);
  });

  behaviour("code.unknown-language", async (sandbox) => {
    const error = await failure(sandbox.runCode("1", { language: "cobol" }), "unknown_language");
    expect(error.message).toContain("python");
  });

  behaviour("code.options-checked", async (sandbox) => {
    await failure(sandbox.runCode("1", { language: "python", context: "x" }), "invalid_argument");
    await failure(sandbox.runCode("1", { timeout: 5 } as never), "invalid_argument");
    await failure(sandbox.runCode("1", { context: "nowhere" }), "context_not_found");
  });
}
