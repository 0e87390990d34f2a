import type { ToolName } from "@emberbox/core/tools";
import type { ToolHarness, ToolSubject } from "../tool-harness.ts";

const reason = new Error("the user changed their mind");

/** The outcome of a call, and when it settled. */
async function outcomeOf(work: Promise<unknown>): Promise<{ error: unknown; ended: number }> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return { error, ended: Date.now() };
}

/** What the tools say, and do, when something goes wrong. */
export function describeToolFailures({ expect, behaviour, provider }: ToolHarness): void {
  behaviour("tools.error-corrected", async ({ call }) => {
    const wrong = await call("run_code", { code: "total = 10\ntotal / count" });
    expect(wrong.isError).toBe(true);
    expect(wrong.text).toContain("NameError: name 'count' is not defined");
    const right = await call("run_code", { code: "count = 4\ntotal / count" });
    expect(right.isError).toBe(false);
    expect(right.text).toContain("2.5");
  });

  behaviour("tools.bad-arguments", async ({ call }) => {
    const missing = await call("run_code", { language: "python" });
    expect(missing.isError).toBe(true);
    expect(missing.text).toContain("`code` (a string) is missing");
    const wrong = await call("run_command", { command: "true", timeout_ms: "soon" });
    expect(wrong.isError).toBe(true);
    expect(wrong.text).toMatch(/`timeout_ms` must be an integer/);
    expect(
      (await call("run_command", { command: "echo fine", timeout_ms: "5000" })).text,
    ).toContain("fine");
  });

  behaviour("tools.unknown-path", async ({ call }) => {
    const text = async (path: string) => {
      const answer = await call("read_file", { path });
      expect(answer.isError).toBe(true);
      return answer.text;
    };
    expect(await text("/nowhere/at/all.txt")).toContain("file_not_found");
    expect(await text("/etc")).toContain("is a directory");
    expect(await text("/bin/ls")).toContain("not UTF-8 text");
    expect(await text("/dev/zero")).toContain("not a regular file");
    expect(await text("../x")).toContain("invalid_path");
  });

  behaviour("tools.large-picture", async ({ call }) => {
    const code =
      "import numpy, matplotlib.pyplot as plt\nplt.figure(figsize=(8, 8))\n" +
      "plt.imshow(numpy.random.rand(600, 600, 3))\nplt.show()";
    const { pictures, text } = await call("run_code", { code });
    expect(pictures.length).toBe(1);
    expect(Buffer.from(pictures[0]!.base64, "base64").length <= 100_000).toBe(true);
    expect(text).toMatch(
      /a copy that fits: \d+ × \d+ pixels; the original has \d+ × \d+; all of it/,
    );
    const [path] = /\/tmp\/tool-output\/\S+\.png/.exec(text)!;
    expect(
      (await call("run_command", { command: `head -c 4 ${path} | tail -c 3` })).text,
    ).toContain("PNG");
  });

  behaviour("tools.large-output", async ({ call }) => {
    const line = "x".repeat(99);
    const command = `yes ${line} | head -100000; echo 'Error: the last line' >&2; exit 2`;
    const { text } = await call("run_command", { command, timeout_ms: 200_000 });
    expect(text.length).toBeLessThan(50_000);
    expect(text).toMatch(/bytes left out/);
    expect(text).toContain("Error: the last line");
    const [path] = /\/tmp\/tool-output\/\S+-stdout\.txt/.exec(text)!;
    expect((await call("run_command", { command: `wc -c < ${path}` })).text).toContain("10000000");
  });

  behaviour("tools.timeout", async ({ call }) => {
    const command = await call("run_command", {
      command: "echo begun; sleep 61",
      timeout_ms: 1500,
    });
    expect(command.isError).toBe(true);
    expect(command.text).toMatch(/begun[\s\S]*time limit of 1.5 seconds/);
    const code = "kept = 7\nprint('begun')\nwhile True: pass";
    const endless = await call("run_code", { code, timeout_ms: 1500 });
    expect(endless.text).toMatch(/begun[\s\S]*time limit of 1.5 seconds/);
    expect((await call("run_code", { code: "kept" })).text).toContain("7");
  });

  /** Aborts a call once it has printed something, or after 5 s. */
  async function expectAborted(
    call: ToolSubject["call"],
    tool: ToolName,
    input: unknown,
  ): Promise<void> {
    const controller = new AbortController();
    const began = Promise.withResolvers<void>();
    const { signal } = controller;
    const onOutput = (): void => began.resolve();
    const running = outcomeOf(call(tool, input, { signal, onOutput }));
    await Promise.race([began.promise, new Promise((resolve) => setTimeout(resolve, 5000))]);
    const aborted = Date.now();
    controller.abort(reason);
    const { error, ended } = await running;
    expect(error === undefined).toBe(false);
    expect(ended - aborted).toBeLessThan(1000);
  }

  behaviour("tools.abort", async ({ call }) => {
    await expectAborted(call, "run_command", { command: "echo on; sleep 60.125" });
    const { text } = await call("run_command", { command: "ps -eo args | grep '[s]leep 60.125'" });
    expect(text.includes("sleep 60.125")).toBe(false);
  });

  behaviour("tools.abort-code", async ({ call }) => {
    const code =
      "import time\nfor at in range(600):\n    time.sleep(0.1)\n    open('beats', 'a').write('beat\\n')\n    print('on')";
    await expectAborted(call, "run_code", { code });
    const command = "wc -l < beats; sleep 2; wc -l < beats";
    const { text } = await call("run_command", { command });
    const beats = [...text.matchAll(/^\d+$/gm)].map(String);
    expect(beats.length).toBe(2);
    expect(beats[0]).toBe(beats[1]);
    expect((await call("run_code", { code: "6 * 7" })).text).toContain("42");
  });

  behaviour("tools.aborted-already", async ({ call }) => {
    const work = call(
      "write_file",
      { path: "never.txt", content: "x" },
      { signal: AbortSignal.abort(reason) },
    );
    expect((await outcomeOf(work)).error === undefined).toBe(false);
    expect((await call("read_file", { path: "never.txt" })).text).toContain("file_not_found");
  });

  behaviour("tools.dead-sandbox", async ({ call }) => {
    const threadId = "doomed";
    const known = new Set((await provider().list()).map(({ sandboxId }) => sandboxId));
    await call("run_code", { code: "kept = 1" }, { threadId });
    const kill = async (): Promise<void> => {
      for (const { sandboxId } of await provider().list()) {
        if (!known.has(sandboxId)) await provider().kill(sandboxId);
      }
    };
    await kill();
    const next = await call("run_code", { code: "'kept' in globals()" }, { threadId });
    expect(next.text).toMatch(/lost[\s\S]*False/);
    const during = call("run_command", { command: "sleep 60" }, { threadId });
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await kill();
    const failed = await during;
    expect(failed.isError).toBe(true);
    expect(failed.text).toContain("state is lost");
    const after = await call("run_command", { command: "echo again" }, { threadId });
    expect(after.text).toContain("again");
  });
}
