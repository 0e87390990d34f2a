import { printed, type Harness } from "../harness.ts";

/** Prints an environment variable. */
const PRINT_ONCE = {
  python: "import os\nprint(os.environ.get('ONCE', 'none'))",
  javascript: "console.log(process.env.ONCE ?? 'none')",
  typescript: "console.log((process.env.ONCE as string) ?? 'none')",
  bash: "echo ${ONCE-none}",
};

export function describeContexts({ expect, behaviour, failure }: Harness): void {
  behaviour("context.separate", async (sandbox) => {
    const [one, other] = await Promise.all([
      sandbox.createCodeContext(),
      sandbox.createCodeContext(),
    ]);
    await sandbox.runCode("secret = 1", { context: one });
    expect((await sandbox.runCode("secret", { context: other })).error?.name).toBe("NameError");
    expect((await sandbox.runCode("secret", { context: one.id })).text).toBe("1");
    await Promise.all([sandbox.removeCodeContext(one), sandbox.removeCodeContext(other)]);
  });

  behaviour("context.parallel", async (sandbox) => {
    const context = await sandbox.createCodeContext();
    let defaultEnded = false;
    const slow = sandbox.runCode("import time\ntime.sleep(3)").then(() => (defaultEnded = true));
    expect((await sandbox.runCode("'beside'", { context })).text).toBe("beside");
    expect(defaultEnded).toBe(false);
    await slow;
    await sandbox.removeCodeContext(context);
  });

  behaviour("context.envs", async (sandbox) => {
    for (const [language, code] of Object.entries(PRINT_ONCE)) {
      const context = await sandbox.createCodeContext({ language });
      const [set, unset] = await Promise.all([
        sandbox.runCode(code, { context, envs: { ONCE: "here" } }),
        sandbox.runCode(code, { context }),
      ]);
      const beside = await sandbox.runCode(code, { language });
      expect([set, unset, beside].map(printed), language).toEqual(["here\n", "none\n", "none\n"]);
      await sandbox.removeCodeContext(context);
    }
  });

  behaviour("context.crash-alone", async (sandbox) => {
    const crashes = {
      python: ["kept = 1", "import os; os.abort()", "print(kept)"],
      javascript: ["globalThis.kept = 1", "process.abort()", "console.log(kept)"],
      bash: ["kept=1", "kill -ABRT $$", "echo $kept"],
    };
    for (const [language, [keep, crash, show]] of Object.entries(crashes)) {
      const [one, other] = await Promise.all([
        sandbox.createCodeContext({ language }),
        sandbox.createCodeContext({ language }),
      ]);
      await sandbox.runCode(keep!, { context: other });
      const { error } = await sandbox.runCode(crash!, { context: one });
      expect(error?.value, language).toContain("SIGABRT");
      expect(printed(await sandbox.runCode(show!, { context: other })), language).toBe("1\n");
      await Promise.all([sandbox.removeCodeContext(one), sandbox.removeCodeContext(other)]);
    }
  });

  behaviour("context.queue", async (sandbox) => {
    const append = {
      javascript:
        "await new Promise((go) => setTimeout(go, 30)); require('node:fs').appendFileSync('queue', 'N')",
      bash: "sleep 0.05; printf N >> queue",
    };
    for (const [language, code] of Object.entries(append)) {
      const context = await sandbox.createCodeContext({ language });
      await sandbox.files.write("queue", "");
      await Promise.all(
        ["1", "2", "3", "4"].map((n) => sandbox.runCode(code.replace("N", n), { context })),
      );
      expect(await sandbox.files.read("queue"), language).toBe("1234");
      await sandbox.removeCodeContext(context);
    }
  });

  behaviour("context.cwd", async (sandbox) => {
    const context = await sandbox.createCodeContext({ cwd: "/tmp", language: "python" });
    expect(context).toMatchObject({ cwd: "/tmp", language: "python" });
    expect((await sandbox.runCode("import os\nos.getcwd()", { context })).text).toBe("/tmp");
    await sandbox.removeCodeContext(context);
  });

  behaviour("context.list", async (sandbox) => {
    const context = await sandbox.createCodeContext();
    const listed = await sandbox.listCodeContexts();
    expect(listed.map(({ id }) => id)).toContain(context.id);
    await sandbox.removeCodeContext(context);
  });

  behaviour("context.remove", async (sandbox) => {
    const context = await sandbox.createCodeContext();
    await sandbox.removeCodeContext(context);
    await failure(sandbox.runCode("1", { context }), "context_not_found");
    await failure(sandbox.removeCodeContext(context), "context_not_found");
  });

  behaviour("context.restart", async (sandbox) => {
    const context = await sandbox.createCodeContext();
    await sandbox.runCode("gone = 1", { context });
    await sandbox.restartCodeContext(context);
    expect((await sandbox.runCode("gone", { context })).error?.name).toBe("NameError");
    await sandbox.removeCodeContext(context);
  });
}
