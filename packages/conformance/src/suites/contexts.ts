import type { Harness } from "../harness.ts";

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
