import { delay, until, type Harness } from "../harness.ts";

export function describeCommands({ expect, behaviour, failure }: Harness): void {
  behaviour("commands.output", async (sandbox) => {
    const result = await sandbox.commands.run("echo out; echo err >&2");
    expect(result).toEqual({ exitCode: 0, stdout: "out\n", stderr: "err\n" });
  });

  behaviour("commands.exit-code", async (sandbox) => {
    expect(await sandbox.commands.run("echo before; exit 3")).toMatchObject({
      exitCode: 3,
      stdout: "before\n",
    });
    expect((await sandbox.commands.run("no-such-command")).exitCode).toBe(127);
  });

  behaviour("commands.streamed", async (sandbox) => {
    const times: number[] = [];
    await sandbox.commands.run("echo now; sleep 1.5; echo later >&2", {
      onStdout: () => void times.push(Date.now()),
      onStderr: () => void times.push(Date.now()),
    });
    expect(times.at(-1)! - times[0]!).toBeGreaterThan(700);
  });

  behaviour("commands.bytes", async (sandbox) => {
    const pieces: Uint8Array[] = [];
    const command = await sandbox.commands.stream("printf '\\377\\000\\342\\202'; printf é >&2", {
      onStdout: (bytes) => void pieces.push(bytes),
      onStderr: (bytes) => void pieces.push(bytes),
    });
    expect(await command.wait()).toEqual({ exitCode: 0, stdout: "", stderr: "" });
    const bytes = [...Buffer.concat(pieces)];
    expect(bytes.toSorted((a, b) => a - b)).toEqual([0, 0x82, 0xa9, 0xc3, 0xe2, 0xff]);
  });

  behaviour("commands.any-text", async (sandbox) => {
    for (const name of ["-x", "--version", "+e"]) {
      const { exitCode, stderr } = await sandbox.commands.run(name);
      expect([exitCode, stderr.includes(`${name}: command not found`)], name).toEqual([127, true]);
    }
    const long = `: '${"é".repeat(100_000)}'; echo "$# and that was long"; exit 3`;
    expect(await sandbox.commands.run(long)).toMatchObject({
      exitCode: 3,
      stdout: "0 and that was long\n",
    });
  });

  behaviour("commands.envs-win", async (sandbox) => {
    const PATH = "/opt/it's mine:/usr/bin:/bin";
    const { stdout } = await sandbox.commands.run('echo "$PATH $LANG"', {
      envs: { PATH, LANG: "de_DE.UTF-8" },
    });
    expect(stdout).toBe(`${PATH} de_DE.UTF-8\n`);
  });

  behaviour("commands.devices", async (sandbox) => {
    for (const user of ["user", "root"]) {
      const line =
        "echo a | cp /dev/stdin /dev/stdout; echo b | tee /dev/stderr; echo c > /dev/stderr; cat <(echo d)";
      expect(await sandbox.commands.run(line, { user }), user).toEqual({
        exitCode: 0,
        stdout: "a\nb\nd\n",
        stderr: "b\nc\n",
      });
    }
    const files = "find /dev -xdev -type f -not -path '/dev/shm/*' -not -path '/dev/mqueue/*'";
    expect((await sandbox.commands.run(files)).stdout).toBe("");
  });

  behaviour("commands.cwd-envs-user", async (sandbox) => {
    const options = { cwd: "/tmp", envs: { OF_THE_COMMAND: "a b" }, user: "root" };
    expect((await sandbox.commands.run("pwd; id -un; echo $OF_THE_COMMAND", options)).stdout).toBe(
      "/tmp\nroot\na b\n",
    );
  });

  behaviour("commands.bad-cwd", async (sandbox) => {
    await failure(sandbox.commands.run("true", { cwd: "/nowhere" }), "invalid_argument");
  });

  behaviour("commands.timeout", async (sandbox) => {
    const error = await failure(
      sandbox.commands.run("echo so far; sleep 4321 & sleep 4321", { timeoutMs: 1500 }),
      "timeout",
    );
    expect(error.details["stdout"]).toBe("so far\n");
    expect((await sandbox.commands.run("pgrep -fc '^sleep 4321'")).stdout).toBe("0\n");
  });

  behaviour("commands.aborted", async (sandbox) => {
    const controller = new AbortController();
    const running = sandbox.commands.run("sleep 5432 & echo started; sleep 5432", {
      signal: controller.signal,
      onStdout: () => controller.abort("enough"),
    });
    expect(await running.catch((error: unknown) => error)).toBe("enough");
    await delay(500);
    expect((await sandbox.commands.run("pgrep -fc '^sleep 5432'")).stdout).toBe("0\n");
    const early = sandbox.commands.run("touch /tmp/early", { signal: AbortSignal.abort("never") });
    expect(await early.catch((error: unknown) => error)).toBe("never");
    expect(await sandbox.files.exists("/tmp/early")).toBe(false);
  });

  behaviour("commands.background", async (sandbox) => {
    const handle = await sandbox.commands.run("echo going; sleep 0.5; echo done; exit 4", {
      background: true,
    });
    expect(handle.pid).toBeGreaterThan(0);
    expect(await handle.wait()).toMatchObject({ exitCode: 4, stdout: "going\ndone\n" });
    expect(handle.stdout).toBe("going\ndone\n");
  });

  behaviour("commands.stdin", async (sandbox) => {
    const handle = await sandbox.commands.run("cat; echo end", { background: true, stdin: true });
    await handle.sendStdin("one\n");
    await sandbox.commands.sendStdin(handle.pid, Buffer.from("two\n"));
    await handle.closeStdin();
    expect((await handle.wait()).stdout).toBe("one\ntwo\nend\n");
    expect((await sandbox.commands.run("cat")).stdout).toBe("");
  });

  behaviour("commands.list", async (sandbox) => {
    const handle = await sandbox.commands.run("sleep 60", {
      background: true,
      envs: { LISTED: "yes" },
    });
    const listed = (await sandbox.commands.list()).find(({ pid }) => pid === handle.pid);
    expect(listed).toMatchObject({ args: ["-l", "-c", "sleep 60"], envs: { LISTED: "yes" } });
    await handle.kill();
    await handle.wait();
    expect((await sandbox.commands.list()).some(({ pid }) => pid === handle.pid)).toBe(false);
  });

  behaviour("commands.connect", async (sandbox) => {
    const first = await sandbox.commands.run("read line; echo got $line", {
      background: true,
      stdin: true,
    });
    await first.disconnect();
    await failure(first.wait(), "connection_failed");
    const second = await sandbox.commands.connect(first.pid);
    await second.sendStdin("it\n");
    expect((await second.wait()).stdout).toBe("got it\n");
    await failure(sandbox.commands.connect(4_000_000), "process_not_found");
  });

  behaviour("commands.connect-late", async (sandbox) => {
    const ended = await sandbox.commands.run("exit 6", { background: true });
    await ended.wait();
    const late = await sandbox.commands.connect(ended.pid);
    expect((await late.wait()).exitCode).toBe(6);
  });

  behaviour("commands.kill-tree", async (sandbox) => {
    const script = "setsid sleep 7654 & (setsid setsid sleep 7654 &) ; sleep 7654";
    const count = async (): Promise<string> =>
      (await sandbox.commands.run("pgrep -fc '^sleep 7654'")).stdout;
    const handle = await sandbox.commands.run(script, { background: true });
    await until(async () => (await count()) === "3\n");
    await handle.kill();
    await handle.wait();
    expect(await count()).toBe("0\n");
  });

  behaviour("commands.kill", async (sandbox) => {
    const handle = await sandbox.commands.run("sleep 6543 & sleep 6543", { background: true });
    expect(await sandbox.commands.kill(handle.pid)).toBe(true);
    await handle.wait();
    expect((await sandbox.commands.run("pgrep -fc '^sleep 6543'")).stdout).toBe("0\n");
    expect(await sandbox.commands.kill(4_000_000)).toBe(false);
  });

  behaviour("commands.killed-by-signal", async (sandbox) => {
    const result = await sandbox.commands.run("kill -TERM $$");
    expect(result.exitCode === 0).toBe(false);
    expect(result.error).toMatch(/terminated|signal/);
  });

  behaviour("commands.unicode", async (sandbox) => {
    const script = 'for byte in 360 237 230 200 303 251; do printf "\\\\$byte"; sleep 0.02; done';
    expect((await sandbox.commands.run(script)).stdout).toBe("😀é");
  });

  behaviour("commands.much-output", async (sandbox) => {
    let seen = 0;
    const options = { onStdout: (piece: string) => void (seen += piece.length) };
    const result = await sandbox.commands.run(
      "echo first; head -c 12000000 /dev/zero | tr '\\0' x; echo last",
      options,
    );
    expect(seen).toBe(12_000_011);
    expect(result.truncated).toEqual({ stdoutBytes: 12_000_011 });
    expect([result.stdout.startsWith("first\n"), result.stdout.endsWith("last\n")]).toEqual([
      true,
      true,
    ]);
  });
}

export function describeTerminals({ expect, behaviour }: Harness): void {
  behaviour("pty.shell", async (sandbox) => {
    let shown = "";
    const onData = (bytes: Uint8Array): void => void (shown += Buffer.from(bytes).toString());
    const terminal = await sandbox.pty.create({ cols: 91, rows: 17, onData });
    await sandbox.pty.sendInput(terminal.pid, "stty size\n");
    await until(() => shown.includes("17 91"));
    await sandbox.pty.resize(terminal.pid, { cols: 50, rows: 20 });
    await sandbox.pty.sendInput(terminal.pid, "stty size; exit 5\n");
    expect((await terminal.wait()).exitCode).toBe(5);
    expect(shown).toContain("20 50");
  });

  behaviour("pty.connect", async (sandbox) => {
    const terminal = await sandbox.pty.create({ cols: 80, rows: 24, onData: () => {} });
    await sandbox.pty.sendInput(terminal.pid, "KEPT=still\n");
    await terminal.disconnect();
    let shown = "";
    const again = await sandbox.pty.connect(terminal.pid, {
      onData: (bytes) => void (shown += Buffer.from(bytes).toString()),
    });
    await sandbox.pty.sendInput(terminal.pid, "echo $KEPT-here; exit 2\n");
    expect((await again.wait()).exitCode).toBe(2);
    expect(shown).toContain("still-here");
  });

  behaviour("pty.command", async (sandbox) => {
    let shown = "";
    const terminal = await sandbox.pty.create({
      cols: 80,
      rows: 24,
      cmd: "test -t 0 && echo here; exit 7",
      onData: (bytes) => void (shown += String(Buffer.from(bytes))),
    });
    expect((await terminal.wait()).exitCode).toBe(7);
    expect(shown).toContain("here");
  });

  behaviour("pty.pasted", async (sandbox) => {
    const pasted = `${"x".repeat(79)}\n`.repeat(1500);
    let shown = "";
    const options = {
      cols: 80,
      rows: 24,
      onData: (bytes: Uint8Array) => void (shown += String(Buffer.from(bytes))),
    };
    const deaf = await sandbox.pty.create({ ...options, cmd: "echo deaf; exec sleep 600" });
    await until(() => shown.includes("deaf"));
    const pasting = sandbox.pty.sendInput(deaf.pid, pasted).catch(() => {});
    expect((await sandbox.commands.run("echo here")).stdout).toBe("here\n");
    await deaf.kill();
    await Promise.all([pasting, deaf.wait()]);
    const cmd = "stty -echo; echo hearing; head -n 1500 | wc -c; echo named > /dev/stderr";
    const hearing = await sandbox.pty.create({ ...options, cmd });
    await until(() => shown.includes("hearing"));
    await sandbox.pty.sendInput(hearing.pid, pasted);
    expect((await hearing.wait()).exitCode).toBe(0);
    expect(shown).toContain("120000\r\nnamed");
  });

  behaviour("pty.unknown-size", async (sandbox) => {
    let shown = "";
    const onData = (bytes: Uint8Array): void => void (shown += String(Buffer.from(bytes)));
    const terminal = await sandbox.pty.create({ cols: 0, rows: 0, cmd: "stty size", onData });
    expect((await terminal.wait()).exitCode).toBe(0);
    expect(shown).toContain("0 0");
  });

  behaviour("pty.kill", async (sandbox) => {
    const terminal = await sandbox.pty.create({ cols: 80, rows: 24, onData: () => {} });
    expect(await sandbox.pty.kill(terminal.pid)).toBe(true);
    await terminal.wait();
    expect(await sandbox.pty.kill(terminal.pid)).toBe(false);
  });
}
