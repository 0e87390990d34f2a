import { Sandbox } from "@emberbox/core";
import { templatesOf } from "@emberbox/core/provider";
import { codeOf, delay, printed, type Harness } from "../harness.ts";
import { hostileCalls, notPorts } from "../hostile-arguments.ts";

export function describeLifecycle({ expect, behaviour, failure, provider, create }: Harness): void {
  behaviour("sandbox.info", async (sandbox) => {
    const info = await sandbox.getInfo();
    expect(info).toMatchObject({ sandboxId: sandbox.sandboxId, state: "running" });
    expect(info.endAt.getTime()).toBeGreaterThan(info.startedAt.getTime());
    expect([info.cpuCount > 0, info.memoryMB > 0, info.template.length > 0]).toEqual([
      true,
      true,
      true,
    ]);
  });

  behaviour("sandbox.template", async (sandbox) => {
    const templates = templatesOf(provider());
    const { template } = await sandbox.getInfo();
    const info = templates.find(({ name }) => name === template) ?? templates[0]!;
    const [usual] = templatesOf();
    expect(templates.map(({ name }) => name)).toContain(usual!.name);
    for (const language of usual!.languages) expect(info.languages).toContain(language);
    for (const name of usual!.libraries["python"]!)
      expect(info.libraries["python"]).toContain(name);
    for (const language of info.languages)
      await sandbox.removeCodeContext(await sandbox.createCodeContext({ language }));
    const code = `from importlib.metadata import version\nfor name in ${JSON.stringify(info.libraries["python"])}: version(name)`;
    expect((await sandbox.runCode(code)).error?.value).toBe(undefined);
  });

  behaviour("sandbox.metrics", async (sandbox) => {
    const [metrics] = await sandbox.getMetrics();
    expect(metrics?.memTotal).toBeGreaterThan(metrics?.memUsed ?? Infinity);
    expect(metrics?.diskTotal).toBeGreaterThan(metrics?.diskUsed ?? Infinity);
    expect(metrics?.cpuCount).toBeGreaterThan(0);
    expect(await sandbox.isRunning()).toBe(true);
  });

  behaviour("sandbox.envs", async (sandbox) => {
    expect((await sandbox.runCode("import os\nos.environ['SANDBOX_WIDE']")).text).toBe("yes");
    expect((await sandbox.commands.run("echo $SANDBOX_WIDE")).stdout).toBe("yes\n");
  });

  behaviour("sandbox.identity", async (sandbox) => {
    const names = ["E2B_SANDBOX", "E2B_SANDBOX_ID", "E2B_TEMPLATE_ID"];
    const told = ["true", sandbox.sandboxId, (await sandbox.getInfo()).template];
    const script = names.map((name) => `echo $${name}; echo $(cat /run/e2b/.${name})`).join("; ");
    const expected = told.map((text) => `${text}\n${text}\n`).join("");
    expect((await sandbox.commands.run(script)).stdout).toBe(expected);
  });

  behaviour("sandbox.connect", async (sandbox) => {
    const again = await Sandbox.connect(sandbox.sandboxId, { provider: provider() });
    await sandbox.runCode("shared = 'same'");
    expect((await again.runCode("shared")).text).toBe("same");
  });

  behaviour("sandbox.list", async (sandbox) => {
    const listed = await Sandbox.list({ provider: provider() });
    expect(listed.map(({ sandboxId }) => sandboxId)).toContain(sandbox.sandboxId);
  });

  behaviour("sandbox.set-timeout", async (sandbox) => {
    await sandbox.setTimeout(1_200_000);
    const left = (await sandbox.getInfo()).endAt.getTime() - Date.now();
    expect(left).toBeGreaterThan(1_100_000);
    await failure(sandbox.setTimeout(-1), "invalid_argument");
  });

  behaviour("sandbox.kill", async () => {
    const sandbox = await create();
    expect([await sandbox.kill(), await sandbox.kill()]).toEqual([true, false]);
    await failure(sandbox.runCode("1"), "sandbox_closed");
    await failure(sandbox.commands.run("true"), "sandbox_closed");
    await failure(sandbox.files.read("/etc/hostname"), "sandbox_closed");
    expect(await sandbox.isRunning()).toBe(false);
    const listed = await Sandbox.list({ provider: provider() });
    expect(listed.some(({ sandboxId }) => sandboxId === sandbox.sandboxId)).toBe(false);
  });

  behaviour("sandbox.kill-during", async () => {
    const sandbox = await create();
    const going = Promise.withResolvers<void>();
    const running = [
      sandbox.runCode("print('going', flush=True)\nimport time\ntime.sleep(60)", {
        onStdout: () => going.resolve(),
      }),
      sandbox.commands.run("sleep 60"),
    ].map((work) => failure(work, "sandbox_closed"));
    await going.promise;
    await delay(500);
    await Sandbox.kill(sandbox.sandboxId, { provider: provider() });
    const [code] = await Promise.all(running);
    expect(printed(code!.details["execution"] as never)).toBe("going\n");
  });

  behaviour("sandbox.not-found", async () => {
    await failure(Sandbox.connect("nosuchsandbox", { provider: provider() }), "sandbox_not_found");
    expect(await Sandbox.kill("nosuchsandbox", { provider: provider() })).toBe(false);
  });

  behaviour("sandbox.dispose", async () => {
    let id = "";
    {
      await using sandbox = await create({ metadata: { purpose: "test" } });
      id = sandbox.sandboxId;
      expect((await sandbox.getInfo()).metadata).toEqual({ purpose: "test" });
    }
    await failure(Sandbox.connect(id, { provider: provider() }), "sandbox_not_found");
  });

  behaviour("sandbox.bad-options", async () => {
    await failure(create({ memoryMB: -5 }), "invalid_argument");
    await failure(create({ timeoutMs: "soon" as never }), "invalid_argument");
    await failure(create({ colour: "red" } as never), "invalid_argument");
    await failure(create({ envs: { "": "x" } }), "invalid_argument");
    await failure(create({ template: "no-such-template" }), "unknown_template");
  });

  behaviour("sandbox.hostile-arguments", async ({ sandboxId }) => {
    for (const [what, call] of hostileCalls(provider(), sandboxId)) {
      const error = await Promise.resolve(call()).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(codeOf(error), what).toBe("invalid_argument");
    }
    const connection = await provider().connect(sandboxId);
    for (const port of notPorts) {
      expect(
        codeThrown(() => connection.endpoint(port as number)),
        String(port),
      ).toBe("invalid_argument");
      if (connection.url) await failure(connection.url(port as number), "invalid_argument");
    }
    expect((await provider().getInfo(sandboxId)).state).toBe("running");
  });

  behaviour("sandbox.create-aborted", async () => {
    const reason = new Error("not wanted");
    expect(
      await create({ signal: AbortSignal.abort(reason) }).catch((error: unknown) => error),
    ).toBe(reason);
  });

  behaviour("isolation.no-host-env", async (sandbox) => {
    process.env["EMBERBOX_HOST_SECRET"] = "of the host";
    expect(
      (await sandbox.commands.run("env; sudo cat /proc/[0-9]*/environ")).stdout.includes(
        "of the host",
      ),
    ).toBe(false);
    expect((await sandbox.runCode("import os\n'EMBERBOX_HOST_SECRET' in os.environ")).text).toBe(
      "False",
    );
    delete process.env["EMBERBOX_HOST_SECRET"];
  });

  behaviour("isolation.separate", async (sandbox) => {
    await using other = await create();
    await sandbox.files.write("/tmp/mine", "x");
    const marker = await sandbox.commands.run("sleep 7654", { background: true });
    expect(await other.files.exists("/tmp/mine")).toBe(false);
    expect((await other.commands.run("pgrep -fc '^sleep 7654'")).stdout).toBe("0\n");
    await marker.kill();
  });
}

function codeThrown(call: () => unknown): string {
  try {
    call();
    return "it succeeded";
  } catch (error) {
    return codeOf(error);
  }
}
