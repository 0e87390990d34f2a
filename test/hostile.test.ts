import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type EmberboxError, type Execution, Sandbox } from "@emberbox/core";
import type { CreateOptions } from "@emberbox/core/provider";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { machinesOf } from "./support/processes.ts";
import { engine, python, testTemplate } from "./support/sandboxes.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;
/** Its machines are counted, so there is none without a sandbox. */
const provider = engine(testTemplate, { standby: false });
let bystander: Sandbox;

afterAll(() => provider[Symbol.asyncDispose]());

function createSandbox(options: CreateOptions = {}): Promise<Sandbox> {
  return Sandbox.create({ provider, ...options });
}

beforeAll(async () => {
  bystander = await createSandbox({ timeoutMs: 3_600_000 });
  return () => bystander.kill();
});

/** The sandbox answers again, or every call says that it is dead and why; and it can always be killed. */
async function answersOrIsReportedDead(sandbox: Sandbox): Promise<"answers" | "dead"> {
  try {
    // A sandbox that is being torn apart may take a moment: the kernel may have to be started anew.
    for (let attempt = 0; attempt < 20; attempt++) {
      const execution = await sandbox.runCode("print(6 * 7)", { timeoutMs: 60_000 });
      if (execution.logs.stdout.join("") === "42\n") return "answers";
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  } catch (error) {
    expect(error).toMatchObject({ code: expect.stringMatching(/^sandbox_died$/) });
    expect((error as EmberboxError).message.length).toBeGreaterThan(20);
    return "dead";
  }
  throw new Error("the sandbox neither answers nor is it reported dead");
}

const unaffected = async (): Promise<void> =>
  expect(await python(bystander, "print('here')")).toBe("here\n");

describe("a sandbox whose code", () => {
  test(
    "runs a fork bomb answers again or is reported dead, and others are unaffected",
    { timeout: 300_000 },
    async () => {
      await using sandbox = await createSandbox();
      const bomb = await sandbox.commands
        .run(":(){ :|:& };: ; sleep 3", { timeoutMs: 20_000 })
        .catch((error: unknown) => error);
      expect(bomb).toBeDefined();
      await unaffected();
      await sandbox.commands
        .run("sudo pkill -9 -u user bash", { timeoutMs: 30_000, user: "root" })
        .catch(() => {});
      expect(["answers", "dead"]).toContain(await answersOrIsReportedDead(sandbox));
      expect(await sandbox.kill()).toBeTypeOf("boolean");
    },
  );

  test(
    "starts 10 000 threads gets an error, and the sandbox answers",
    { timeout: 300_000 },
    async () => {
      await using sandbox = await createSandbox();
      const code =
        "import threading, time\nfor i in range(10_000): threading.Thread(target=time.sleep, args=(600,), daemon=True).start()";
      const outcome = await sandbox
        .runCode(code, { timeoutMs: 120_000 })
        .catch((error: EmberboxError) => error);
      if ("error" in outcome)
        expect((outcome as Execution).error?.name).toMatch(/RuntimeError|KernelDied/);
      await unaffected();
      expect(await answersOrIsReportedDead(sandbox)).toBe("answers");
    },
  );

  test(
    "removes every file answers or is reported dead, and can be killed",
    { timeout: 300_000 },
    async () => {
      await using sandbox = await createSandbox();
      await sandbox.commands
        .run("sudo rm -rf / --no-preserve-root", { timeoutMs: 60_000 })
        .catch(() => {});
      await unaffected();
      expect(["answers", "dead"]).toContain(await answersOrIsReportedDead(sandbox));
      await sandbox.kill();
    },
  );

  test("kills all of its processes gets its kernel back", async () => {
    await using sandbox = await createSandbox();
    const execution = await sandbox.runCode("x = 1\n!kill -9 -1");
    expect(execution.error?.name).toBe("KernelDied");
    expect(await answersOrIsReportedDead(sandbox)).toBe("answers");
    expect((await sandbox.runCode("x")).error?.name).toBe("NameError");
  });

  test("takes Python's streams away has them back in the next cell, and its variables", async () => {
    for (const harm of [
      "del sys.stdout, sys.stderr",
      "sys.stdout.detach(), sys.stderr.detach()",
      "sys.stdout = type('Odd', (), {'write': property(lambda self: 1 / 0)})()",
    ]) {
      await bystander.runCode(`import sys\nkept = ${JSON.stringify(harm)}\n${harm}`);
      expect(await python(bystander, "print(kept)")).toBe(`${harm}\n`);
    }
  });

  test("kills all processes as root is reported dead, or answers", async () => {
    await using sandbox = await createSandbox();
    await sandbox.commands.run("sudo kill -9 -1", { timeoutMs: 30_000 }).catch(() => {});
    expect(["answers", "dead"]).toContain(await answersOrIsReportedDead(sandbox));
    await unaffected();
  });

  test(
    "fills the disk gets an error that says so, and the sandbox answers",
    { timeout: 300_000 },
    async () => {
      await using sandbox = await createSandbox();
      const filled = await sandbox.commands.run("dd if=/dev/zero of=big bs=1M count=20000", {
        timeoutMs: 200_000,
      });
      expect(filled.stderr).toContain("No space left");
      expect(await answersOrIsReportedDead(sandbox)).toBe("answers");
      await expect(
        sandbox.files.write("/home/user/more", Buffer.alloc(64 * 1024 * 1024)),
      ).rejects.toMatchObject({ code: "disk_full" });
      await sandbox.files.remove("/home/user/big");
      await sandbox.files.write("/home/user/more", "fits");
      expect(await sandbox.files.read("/home/user/more")).toBe("fits");
    },
  );

  test(
    "uses all memory gets an error that names the limit, and the sandbox answers",
    { timeout: 300_000 },
    async () => {
      await using sandbox = await createSandbox();
      const error = await sandbox
        .runCode("hog = [bytearray(32 * 1024 * 1024) for _ in range(400)]", { timeoutMs: 120_000 })
        .catch((caught: EmberboxError) => caught);
      expect(error).toMatchObject({ code: "out_of_memory" });
      expect((error as EmberboxError).message).toMatch(/\d+ MiB/);
      expect(await answersOrIsReportedDead(sandbox)).toBe("answers");
      const command = sandbox.commands.run(
        `python3 -c "x = [bytearray(2**25) for _ in range(400)]"`,
        { timeoutMs: 120_000 },
      );
      await expect(command).rejects.toMatchObject({ code: "out_of_memory" });
      await unaffected();
    },
  );
});

describe("output without end", () => {
  test(
    "300 MB printed take bounded memory on the host, which says their full size",
    { timeout: 900_000 },
    async () => {
      await using sandbox = await createSandbox({ timeoutMs: 900_000 });
      const size = 300_000_000;
      collectGarbage();
      const before = process.memoryUsage().rss;
      let seen = 0;
      let collected = 0;
      let peak = before;
      const code = `import sys\nfor _ in range(300): sys.stdout.write("x" * 999_999 + "\\n")\nprint("end")`;
      const execution = await sandbox.runCode(code, {
        timeoutMs: 800_000,
        onStdout: ({ line }) => {
          seen += line.length;
          // What is still in use counts, not what a busy machine has not collected yet.
          if (seen - collected > 10_000_000) {
            collected = seen;
            collectGarbage();
          }
          peak = Math.max(peak, process.memoryUsage().rss);
        },
      });
      expect(seen).toBe(size + 4);
      // What came since the last collection is on top of the 10 MiB that are kept.
      expect(peak - before).toBeLessThan(250 * 1024 * 1024);
      const kept = execution.logs.stdout.join("");
      expect(kept.length).toBeLessThan(12 * 1024 * 1024);
      expect(kept.endsWith("end\n")).toBe(true);
      expect(kept).toContain(String(size + 4));
    },
  );

  test(
    "a slow callback slows the code down instead of filling memory",
    { timeout: 180_000 },
    async () => {
      await using sandbox = await createSandbox();
      let lines = 0;
      const controller = new AbortController();
      const running = sandbox.runCode("i = 0\nwhile True:\n  i += 1\n  print(i, 'x' * 10_000)", {
        signal: controller.signal,
        timeoutMs: 0,
        onStdout: async () => {
          lines++;
          await new Promise((resolve) => setTimeout(resolve, 50));
          if (lines === 40) controller.abort(new Error("seen enough"));
        },
      });
      await expect(running).rejects.toThrow("seen enough");
      const printed = Number(await python(sandbox, "print(i)"));
      // What fits into the buffers on the way, and not what could be printed in two seconds and more.
      expect(printed).toBeLessThan(2000);
    },
  );
});

test("every one of those machines is gone", () => {
  expect(machinesOf()).toHaveLength(1);
});
