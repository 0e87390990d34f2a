import { printed, type Harness } from "../harness.ts";

/** Prints an environment variable. */
const PRINT_ONCE = {
  python: "import os\nprint(os.environ.get('ONCE', 'none'))",
  javascript: "console.log(process.env.ONCE ?? 'none')",
  typescript: "console.log((process.env.ONCE as string) ?? 'none')",
  bash: "echo ${ONCE-none}",
};

/** Prints who runs it, where, and what its environment says about them. */
const PRINT_USER = {
  python:
    "import os, pwd\nprint(pwd.getpwuid(os.getuid()).pw_name, os.getcwd(), *map(os.environ.get, ('HOME', 'USER', 'LOGNAME')))",
  javascript:
    "console.log(require('os').userInfo().username, process.cwd(), ...['HOME', 'USER', 'LOGNAME'].map((name) => process.env[name]))",
  bash: "echo $(id -un) $PWD $HOME $USER $LOGNAME",
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

  behaviour("context.user", async (sandbox) => {
    const [user, home] = (await sandbox.commands.run("id -un; echo $HOME")).stdout.split("\n");
    for (const [language, code] of Object.entries(PRINT_USER)) {
      const usual = await sandbox.createCodeContext({ language });
      const inUsual = await sandbox.runCode(code, { context: usual });
      expect(printed(inUsual), language).toBe(`${user} ${home} ${home} ${user} ${user}\n`);
      await sandbox.removeCodeContext(usual);
      const context = await sandbox.createCodeContext({ language, user: "root", cwd: "/root" });
      expect(context).toMatchObject({ language, user: "root", cwd: "/root" });
      const inOwn = await sandbox.runCode(code, { context });
      expect(printed(inOwn), language).toBe("root /root /root root root\n");
      await sandbox.removeCodeContext(context);
    }
    const inDefault = await sandbox.runCode(`${PRINT_USER.python}\nwhose = 'root'`, {
      user: "root",
    });
    expect(printed(inDefault)).toBe(`root ${home} /root root root\n`);
    expect((await sandbox.runCode("whose", { user: "root" })).text).toBe("root");
    expect((await sandbox.runCode("whose")).error?.name).toBe("NameError");
    const listed = await sandbox.listCodeContexts();
    const pythons = listed.filter(({ language }) => language === "python");
    expect(pythons.map((one) => one.user)).toContain(user);
    expect(pythons.map((one) => one.user)).toContain("root");
    for (const context of listed.filter((one) => one.user === "root"))
      await sandbox.removeCodeContext(context);
  });

  behaviour("context.user-stays", async (sandbox) => {
    const loops = { python: "while True: pass", javascript: "for (;;);", bash: "sleep 60" };
    const crashes = { python: "os.abort()", javascript: "process.abort()", bash: "kill -ABRT $$" };
    const stays = async (language: keyof typeof loops): Promise<void> => {
      const context = await sandbox.createCodeContext({ language, user: "root" });
      const run = async (): Promise<string | undefined> =>
        printed(await sandbox.runCode(PRINT_USER[language], { context })).split(" ")[0];
      expect(await run(), language).toBe("root");
      const late = sandbox.runCode(loops[language], { context, timeoutMs: 1000 });
      expect((await failure(late, "timeout")).details["restarted"], language).toBe(false);
      expect(await run(), language).toBe("root");
      const { error } = await sandbox.runCode(crashes[language], { context });
      expect(error?.value, language).toContain("SIGABRT");
      expect(await run(), language).toBe("root");
      await sandbox.removeCodeContext(context);
    };
    await Promise.all((["python", "javascript", "bash"] as const).map(stays));
  });

  behaviour("context.user-refused", async (sandbox) => {
    const nobody = { user: "not-in-passwd" };
    const inBash = { ...nobody, language: "bash" };
    for (const call of [
      () => sandbox.runCode("1", nobody),
      () => sandbox.createCodeContext(inBash),
    ])
      expect((await failure(call(), "invalid_argument")).message).toContain("not-in-passwd");
    const [context] = await sandbox.listCodeContexts();
    await failure(sandbox.runCode("1", { context, user: "root" }), "invalid_argument");
    const refusals = ["python", "javascript", "bash"].map((language) =>
      failure(sandbox.createCodeContext({ language, cwd: "/root" }), "invalid_argument"),
    );
    for (const { message } of await Promise.all(refusals))
      expect(message).toMatch(/cannot enter \/root: permission denied/i);
  });
}
