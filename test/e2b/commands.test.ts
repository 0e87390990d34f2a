import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serve, type ServedSandbox } from "./support/sandbox.ts";
import { sdks } from "./support/sdks.ts";

let served: ServedSandbox;
beforeAll(async () => {
  served = await serve();
});
afterAll(() => served[Symbol.asyncDispose]());

const text = (data: Uint8Array): string => Buffer.from(data).toString();

describe.each(Object.entries(sdks))("commands of e2b %s", (_version, sdk) => {
  const open = (): ReturnType<ServedSandbox["open"]> => served.open(sdk);

  test("give output, exit codes and errors", async () => {
    const { commands } = await open();
    const seen: string[] = [];
    const result = await commands.run("echo out; echo err >&2; echo $GIVEN; pwd; id -un", {
      cwd: "/tmp",
      user: "root",
      envs: { GIVEN: "a b" },
      onStdout: (piece) => void seen.push(piece),
    });
    expect(result).toMatchObject({
      exitCode: 0,
      stdout: "out\na b\n/tmp\nroot\n",
      stderr: "err\n",
    });
    expect(seen.join("")).toBe(result.stdout);
    const failed = commands.run("echo so far; exit 3");
    await expect(failed).rejects.toThrow(sdk.CommandExitError);
    await expect(failed).rejects.toMatchObject({
      exitCode: 3,
      stdout: "so far\n",
      error: "exit status 3",
    });
    await expect(commands.run("true", { cwd: "/nowhere" })).rejects.toThrow(
      sdk.InvalidArgumentError,
    );
    await expect(commands.run("true", { user: "stranger" })).rejects.toThrow(
      sdk.AuthenticationError,
    );
  });

  test("know whose sandbox they are in", async () => {
    const { commands } = await open();
    const { stdout } = await commands.run(
      "echo $E2B_SANDBOX $E2B_SANDBOX_ID; cat /run/e2b/.E2B_SANDBOX_ID; echo; shopt -q login_shell && echo login",
    );
    expect(stdout).toBe(`true ${served.sandboxId}\n${served.sandboxId}\nlogin\n`);
  });

  test("run in the background, are listed, connected to, sent input, and killed with all they started", async () => {
    const { commands } = await open();
    const cat = await commands.run("cat; echo end", { background: true, stdin: true });
    await commands.sendStdin(cat.pid, "one\n");
    await commands.closeStdin(cat.pid);
    expect((await cat.wait()).stdout).toBe("one\nend\n");

    const long = await commands.run("setsid sleep 8765 & read line; echo got $line; sleep 8765", {
      background: true,
      stdin: true,
      timeoutMs: 0,
    });
    expect((await commands.list()).find(({ pid }) => pid === long.pid)).toMatchObject({
      cmd: "/bin/bash",
      args: ["-l", "-c", expect.stringContaining("8765")],
    });
    await long.disconnect();
    const again = await commands.connect(long.pid);
    await commands.sendStdin(long.pid, "it\n");
    await expect.poll(() => again.stdout).toBe("got it\n");
    expect(await commands.kill(long.pid)).toBe(true);
    await expect(again.wait()).rejects.toMatchObject({ error: "signal: killed" });
    expect(await commands.kill(long.pid)).toBe(false);
    const left = await commands.run("pgrep -fc '^sleep 8765' || true");
    expect(left.stdout).toBe("0\n");

    const late = await commands.connect(cat.pid);
    expect((await late.wait()).exitCode).toBe(0);
    await expect(commands.connect(4_000_000)).rejects.toThrow(sdk.NotFoundError);
    await expect(commands.sendStdin(4_000_000, "")).rejects.toThrow(
      "process with pid 4000000 not found",
    );
  });

  test("end at their time limit", async () => {
    const { commands } = await open();
    const late = commands.run("sleep 9876", { timeoutMs: 1500 });
    await expect(late).rejects.toThrow(sdk.TimeoutError);
    await expect
      .poll(async () => (await commands.run("pgrep -fc '^sleep 9876' || true")).stdout, {
        timeout: 10_000,
      })
      .toBe("0\n");
  });

  test("have terminals", async () => {
    const { pty } = await open();
    let shown = "";
    const terminal = await pty.create({
      cols: 91,
      rows: 17,
      cwd: "/tmp",
      envs: { GIVEN: "yes" },
      onData: (data) => void (shown += text(data)),
    });
    const type = (line: string): Promise<void> =>
      pty.sendInput(terminal.pid, Buffer.from(`${line}\n`));
    await type("stty size; echo $TERM $LANG $GIVEN; shopt login_shell; pwd");
    await expect
      .poll(() => shown, { timeout: 10_000 })
      .toMatch(/17 91\s+xterm-256color C.UTF-8 yes\s+login_shell\s+on\s+\/tmp/);
    await pty.resize(terminal.pid, { cols: 50, rows: 20 });
    await terminal.disconnect();
    let later = "";
    const again = await pty.connect(terminal.pid, { onData: (data) => void (later += text(data)) });
    await type("stty size; exit 5");
    await expect(again.wait()).rejects.toMatchObject({ exitCode: 5 });
    expect(later).toContain("20 50");
    const other = await pty.create({ cols: 80, rows: 24, onData: () => {} });
    expect(await pty.kill(other.pid)).toBe(true);
    await expect(other.wait()).rejects.toThrow();
    expect(await pty.kill(other.pid)).toBe(false);
  });

  test("are what its git is made of", async () => {
    const { git, files } = await open();
    const path = `/home/user/repository-${_version}`;
    await git.init(path, { initialBranch: "main" });
    await git.configureUser("A Name", "a@example.com", { scope: "local", path });
    await files.write(`${path}/file`, "text");
    expect((await git.status(path)).fileStatus).toMatchObject([{ name: "file" }]);
    await git.add(path);
    await git.commit(path, "The first");
    await git.createBranch(path, "other");
    expect(await git.branches(path)).toMatchObject({ currentBranch: "other" });
    expect((await git.status(path)).fileStatus).toEqual([]);
  });

  test("run beside the question whether the sandbox runs", async () => {
    expect(await (await open()).isRunning()).toBe(true);
  });
});
