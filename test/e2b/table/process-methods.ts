import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { type Method, method } from "./method.ts";

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    assert(tries < 100, what);
    await delay(100);
  }
}

/** Commands and terminals. */
export const processMethods: readonly Method[] = [
  method("commands.run", async ({ sdk, sandbox, directory }) => {
    const lines: string[] = [];
    const result = await sandbox.commands.run("echo $X; pwd; id -un; echo err >&2", {
      envs: { X: "1" },
      cwd: directory,
      user: "root",
      onStdout: (text) => void lines.push(text),
    });
    assert.deepEqual([result.stdout, result.stderr], [`1\n${directory}\nroot\n`, "err\n"]);
    assert.equal(lines.join(""), result.stdout);
    await assert.rejects(
      sandbox.commands.run("echo so far; exit 7"),
      (error: unknown) =>
        error instanceof sdk.CommandExitError &&
        error.exitCode === 7 &&
        error.stdout === "so far\n",
    );
    await assert.rejects(sandbox.commands.run("sleep 60", { timeoutMs: 500 }), sdk.TimeoutError);
  }),
  method("commands.list", async ({ sandbox }) => {
    const handle = await sandbox.commands.run("sleep 71", { background: true });
    const listed = (await sandbox.commands.list()).find(({ pid }) => pid === handle.pid);
    assert.deepEqual(listed?.args, ["-l", "-c", "sleep 71"]);
    await handle.kill();
  }),
  method("commands.connect", async ({ sdk, sandbox }) => {
    const { pid } = await sandbox.commands.run("sleep 2; echo late; exit 3", { background: true });
    const again = await sandbox.commands.connect(pid);
    await assert.rejects(
      again.wait(),
      (error: unknown) =>
        error instanceof sdk.CommandExitError && error.exitCode === 3 && error.stdout === "late\n",
    );
    await assert.rejects(sandbox.commands.connect(999_999), sdk.NotFoundError);
  }),
  method("commands.kill", async ({ sandbox }) => {
    const { pid } = await sandbox.commands.run("sleep 60", { background: true });
    assert.equal(await sandbox.commands.kill(pid), true);
    assert.equal(await sandbox.commands.kill(999_999), false);
  }),
  method("commands.sendStdin", async ({ sandbox }) => {
    const cat = await sandbox.commands.run("cat", { background: true, stdin: true });
    await sandbox.commands.sendStdin(cat.pid, "typed\n");
    await until("cat says nothing", () => cat.stdout === "typed\n");
    await cat.kill();
  }),
  method("commands.closeStdin", async ({ sandbox }) => {
    const cat = await sandbox.commands.run("cat", { background: true, stdin: true });
    await sandbox.commands.sendStdin(cat.pid, "all");
    await sandbox.commands.closeStdin(cat.pid);
    assert.equal((await cat.wait()).stdout, "all");
  }),
  method("commands.supportsStdinClose", async ({ sandbox }) => {
    assert.equal(sandbox.commands.supportsStdinClose, true);
  }),
  method("handle.wait", async ({ sandbox }) => {
    const handle = await sandbox.commands.run("echo done", { background: true });
    assert.equal((await handle.wait()).exitCode, 0);
  }),
  method("handle.disconnect", async ({ sandbox }) => {
    const handle = await sandbox.commands.run("sleep 73", { background: true });
    await handle.disconnect();
    assert((await sandbox.commands.list()).some(({ pid }) => pid === handle.pid));
    await sandbox.commands.kill(handle.pid);
  }),
  method("handle.kill", async ({ sandbox }) => {
    const handle = await sandbox.commands.run("sleep 60", { background: true });
    assert.equal(await handle.kill(), true);
  }),
  method("handle.sendStdin", async ({ sandbox }) => {
    const cat = await sandbox.commands.run("cat", { background: true, stdin: true });
    await cat.sendStdin("typed");
    await cat.closeStdin();
    assert.equal((await cat.wait()).stdout, "typed");
  }),
  method("pty.create", async ({ sandbox }) => {
    let screen = "";
    const terminal = await sandbox.pty.create({
      cols: 80,
      rows: 24,
      onData: (data) => void (screen += Buffer.from(data).toString()),
    });
    await sandbox.pty.sendInput(terminal.pid, new TextEncoder().encode("tty; echo $TERM\n"));
    await until("there is no terminal", () => /\/dev\/pts\/\d+\s+xterm-256color/.test(screen));
    await terminal.kill();
  }),
  method("pty.sendInput", async ({ sandbox }) => {
    const terminal = await sandbox.pty.create({ cols: 80, rows: 24, onData: () => {} });
    await sandbox.pty.sendInput(terminal.pid, new TextEncoder().encode("exit\n"));
    assert.equal((await terminal.wait()).exitCode, 0);
  }),
  method("pty.connect", async ({ sandbox }) => {
    const terminal = await sandbox.pty.create({ cols: 80, rows: 24, onData: () => {} });
    await terminal.disconnect();
    let screen = "";
    const again = await sandbox.pty.connect(terminal.pid, {
      onData: (data) => void (screen += Buffer.from(data).toString()),
    });
    await sandbox.pty.sendInput(terminal.pid, new TextEncoder().encode("echo a''gain\n"));
    await until("nothing is seen", () => screen.includes("again\r\n"));
    await again.kill();
  }),
  method("pty.resize", async ({ sandbox }) => {
    let screen = "";
    const terminal = await sandbox.pty.create({
      cols: 80,
      rows: 24,
      onData: (data) => void (screen += Buffer.from(data).toString()),
    });
    await sandbox.pty.resize(terminal.pid, { cols: 101, rows: 31 });
    await sandbox.pty.sendInput(terminal.pid, new TextEncoder().encode("stty size\n"));
    await until("it is not resized", () => screen.includes("31 101"));
    await terminal.kill();
  }),
  method("pty.kill", async ({ sandbox }) => {
    const { pid } = await sandbox.pty.create({ cols: 80, rows: 24, onData: () => {} });
    assert.equal(await sandbox.pty.kill(pid), true);
    assert.equal(await sandbox.pty.kill(999_999), false);
  }),
];
