import type { Execution, Sandbox } from "@emberbox/core";
import { printed, type Harness } from "../harness.ts";

/** Code that is told to stop does, wherever it is, and its interpreter lives on. */
export function describeInterrupts({ expect, behaviour, failure }: Harness): void {
  const LIMIT = { timeoutMs: 1500 };

  async function stops(sandbox: Sandbox, language: string, code: string): Promise<Execution> {
    const started = Date.now();
    const error = await failure(sandbox.runCode(code, { language, ...LIMIT }), "timeout");
    expect(error.details["restarted"], `${error.message} for ${code}`).toBe(false);
    expect(Date.now() - started, code).toBeLessThan(15_000);
    return error.details["execution"] as Execution;
  }

  behaviour("interrupt.python", async (sandbox) => {
    await sandbox.runCode("import hashlib, numpy, subprocess, time\nsurvivor = 1");
    for (const code of [
      "time.sleep(60)",
      "sum(i * i for i in range(10**12))",
      // Both release the interpreter's lock, one for long, the other again and again.
      "data = bytes(1_000_000)\nwhile True: hashlib.sha256(data).digest()",
      "data = numpy.random.rand(200, 200)\nwhile True: data = numpy.linalg.inv(data)",
      "subprocess.run(['sleep', '60'])",
      "!sleep 60",
      "%%bash\nsleep 60",
      // C's own `system` ignores interrupts while a program runs.
      "import os\nwhile True: os.system('true')",
      "os.system('sleep 60')",
      "import asyncio\nawait asyncio.sleep(60)",
    ])
      await stops(sandbox, "python", code);
    expect((await sandbox.runCode("survivor")).text).toBe("1");
    const left = await sandbox.commands.run("pgrep -x sleep || echo none");
    expect(left.stdout).toBe("none\n");
  });

  behaviour("interrupt.python-in-finalizers", async (sandbox) => {
    await sandbox.runCode("survivor = 1");
    // Files that are closed by dropping the last reference, which swallows exceptions raised meanwhile. That happens
    // often, so it is tried often.
    const code = "while True: open('beat', 'w').write('x')";
    for (let at = 0; at < 30; at += 1) {
      const error = await failure(sandbox.runCode(code, { timeoutMs: 250 + at }), "timeout");
      expect(error.details["restarted"], error.message).toBe(false);
    }
    expect((await sandbox.runCode("survivor")).text).toBe("1");
  });

  behaviour("interrupt.javascript", async (sandbox) => {
    const run = (code: string): Promise<Execution> =>
      sandbox.runCode(code, { language: "javascript" });
    await run("globalThis.survivor = 1");
    for (const code of [
      "setTimeout(() => { for (;;); }, 5); await new Promise(() => {})",
      "for (;;) await null",
      "require('node:child_process').execSync('sleep 60')",
      "for (;;) require('node:crypto').createHash('sha256').update(Buffer.alloc(100_000)).digest()",
    ])
      await stops(sandbox, "javascript", code);
    expect((await run("survivor")).text).toBe("1");
  });

  behaviour("interrupt.javascript-left-over", async (sandbox) => {
    const run = (code: string): Promise<Execution> =>
      sandbox.runCode(code, { language: "javascript" });
    // Work left over from an earlier cell keeps the next one from starting, or from going on.
    for (const delay of [20, 400]) {
      await run(
        `globalThis.survivor = 1; setTimeout(() => { for (;;); }, ${delay}).unref(); 'set'`,
      );
      await stops(
        sandbox,
        "javascript",
        `await new Promise((go) => setTimeout(go, ${delay + 80})); survivor = 2`,
      );
      expect((await run("survivor")).text).toBe("1");
    }
  });

  behaviour("interrupt.javascript-abandoned", async (sandbox) => {
    const code = `
const { setTimeout: wait } = require("node:timers/promises");
setInterval(() => console.log("interval"), 10);
(async () => { for (;;) { await new Promise((go) => setTimeout(go, 10)); console.log("loop"); } })();
(async () => { for (;;) { await wait(10); console.error("wait"); display("shown"); } })();
await new Promise(() => {});
`;
    await sandbox.runCode("1", { language: "javascript" });
    const stopped = await stops(sandbox, "javascript", code);
    expect(printed(stopped)).toMatch(/interval[^]*loop|loop[^]*interval/);
    expect(stopped.logs.stderr.join("")).toContain("wait");
    const next = await sandbox.runCode("await new Promise((go) => setTimeout(go, 300)); 'clean'", {
      language: "javascript",
    });
    expect(next.results.map(({ text }) => text)).toEqual(["clean"]);
    expect([...next.logs.stdout, ...next.logs.stderr]).toEqual([]);
  });

  behaviour("interrupt.bash", async (sandbox) => {
    await sandbox.runCode("survivor=1", { language: "bash" });
    for (const code of [
      "sleep 60",
      "python3 -c 'while True: pass'",
      "sleep 60 | cat",
      "(sleep 60)",
    ])
      await stops(sandbox, "bash", code);
    const { logs } = await sandbox.runCode("echo $survivor", { language: "bash" });
    expect(logs.stdout.join("")).toBe("1\n");
  });
}
