import type { RunCodeOptions } from "@emberbox/core";
import { delay, type Harness } from "../harness.ts";

/** Output that arrives while code runs: complete, in the kernel's order, and no faster than it is consumed. */
export function describeStreams({ expect, behaviour }: Harness): void {
  behaviour("stream.terminal-codes", async (sandbox) => {
    const bar = String.raw`\r 50%|#####     |\r100%|##########|\n\x1b[31mred\x1b[0m\n`;
    const wanted = "\r 50%|#####     |\r100%|##########|\n\u001b[31mred\u001b[0m\n";
    for (const [language, code] of [
      ["python", `import sys\nsys.stderr.write("${bar}")`],
      ["javascript", `process.stderr.write("${bar}"); undefined`],
      ["bash", `printf '${bar.replace("%|", "%%|").replace("100%|", "100%%|")}' >&2`],
    ] as const) {
      const seen: string[] = [];
      const { logs } = await sandbox.runCode(code, {
        language,
        onStderr: ({ line }) => void seen.push(line),
      });
      expect(seen.join(""), language).toBe(wanted);
      expect(logs.stderr.join(""), language).toBe(wanted);
    }
  });

  behaviour("stream.order", async (sandbox) => {
    const python =
      "import sys\nfrom IPython.display import display\nfor i in range(20):\n    print(i)\n    print(i, file=sys.stderr)\n    display(i)\n'last'";
    const javascript =
      "for (let i = 0; i < 20; i++) { console.log(i); console.error(i); display(i); await null; }\n'last'";
    for (const [language, code] of [
      ["python", python],
      ["javascript", javascript],
    ] as const) {
      let seen = "";
      const options: RunCodeOptions = {
        language,
        // A line may arrive in two pieces.
        onStdout: ({ line }) => void (seen += line.replace(/^\d+/, "out $&").replace("\n", ";")),
        onStderr: ({ line }) => void (seen += line.replace(/^\d+/, "err $&").replace("\n", ";")),
        onResult: ({ text }) => void (seen += `${text};`),
      };
      await sandbox.runCode(code, options);
      const wanted = Array.from({ length: 20 }, (_, i) => `out ${i};err ${i};${i};`).join("");
      expect(seen, language).toBe(`${wanted}last;`);
    }
  });

  behaviour("stream.as-it-comes", async (sandbox) => {
    for (const [language, code] of [
      [
        "javascript",
        "console.log(1); await new Promise((go) => setTimeout(go, 1000)); console.log(2)",
      ],
      ["bash", "echo 1; sleep 1; echo 2"],
    ] as const) {
      const times: number[] = [];
      await sandbox.runCode("true", { language });
      await sandbox.runCode(code, { language, onStdout: () => void times.push(Date.now()) });
      expect(times.at(-1)! - times[0]!, language).toBeGreaterThan(500);
    }
  });

  behaviour("stream.slow-consumer", async (sandbox) => {
    // Each program keeps count of what it has written, in a file.
    for (const [language, code] of [
      [
        "javascript",
        "const line = 'x'.repeat(10_000); for (let i = 0; ; i++) { console.log(line); if (i % 10 === 0) require('node:fs').writeFileSync('written', String(i)); }",
      ],
      [
        "bash",
        "i=0; line=$(printf %10000d 0); while true; do echo $line; echo $((i++)) > written; done",
      ],
    ] as const) {
      const controller = new AbortController();
      let pieces = 0;
      const running = sandbox.runCode(code, {
        language,
        signal: controller.signal,
        onStdout: async () => {
          await delay(100);
          if (++pieces === 20) controller.abort(new Error("seen enough"));
        },
      });
      await running.catch(() => undefined);
      const written = Number(await sandbox.files.read("written"));
      // Only what fits into the buffers on the way, not what could be written in two seconds and more.
      expect(written * 10_000, language).toBeLessThan(30_000_000);
    }
  });

  behaviour("stream.much-in-bash", async (sandbox) => {
    let seen = 0;
    // `tr` writes small pieces.
    await sandbox.runCode("head -c 5000000 /dev/zero | tr '\\0' x", {
      language: "bash",
      onStdout: ({ line }) => void (seen += line.length),
    });
    expect(seen).toBe(5_000_000);
  });
}
