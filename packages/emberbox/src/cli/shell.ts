import type { Command } from "commander";
import { type CommandHandle, Sandbox } from "@emberbox/core";
import { background, warning } from "@emberbox/core/background";
import { microvm } from "@emberbox/microvm";
import { AUDIT } from "./audit.ts";
import { LONGEST_MS } from "./durations.ts";
import { EXIT, type Finish, say } from "./failure.ts";
import { listenForInterrupt } from "./interrupt.ts";
import { parseWhole } from "./numbers.ts";
import { addWorkspaceFlags, type WorkspaceFlags, workspaceOf } from "./workspace/flags.ts";
import { HeldSandbox } from "./workspace/held.ts";
import { endOfWorkspace, sayLeftOut } from "./workspace/review.ts";

const END_OF_INPUT = "\u0004";

interface ShellFlags extends WorkspaceFlags {
  readonly keep?: boolean;
  readonly memory?: number;
  readonly template?: string;
  readonly audit?: string;
}

export function addShell(program: Command, finish: Finish): void {
  const command = program
    .command("shell")
    .summary("open a terminal in a fresh sandbox")
    .description("Opens a terminal in a fresh sandbox, which is gone when the shell ends.")
    .option("-m, --memory <MB>", "memory of the sandbox in MiB (default: 1024)", parseWhole)
    .option("--template <NAME>", "template of the sandbox (default: default)")
    .option("--audit <DIR>", AUDIT)
    .option("--keep", "pause the sandbox in the end, instead of ending it");
  addWorkspaceFlags(command)
    .addHelpText(
      "after",
      `
With --workspace, the shell begins in the folder. When it ends, you see what changed, and choose what to apply.

Exit code: that of the shell.

Examples:
  $ emberbox shell
  $ emberbox shell --memory 4096
  $ emberbox shell --workspace .`,
    )
    .action(async (flags: ShellFlags) => finish(await shell(flags)));
}

async function shell({ memory, template, audit, keep, ...flags }: ShellFlags): Promise<number> {
  const workspace = workspaceOf(flags);
  using interrupt = listenForInterrupt();
  const { signal } = interrupt;
  try {
    await using provider = microvm({ onProgress: say });
    const create = {
      provider,
      signal,
      timeoutMs: LONGEST_MS,
      ...(memory !== undefined && { memoryMB: memory }),
      ...(template !== undefined && { template }),
      ...(workspace !== undefined && { workspace }),
      ...(audit !== undefined && { audit: { directory: audit } }),
    };
    await using held = new HeldSandbox(await Sandbox.create(create));
    const { sandbox } = held;
    if (workspace !== undefined) sayLeftOut(sandbox);
    const exitCode = await openTerminal(sandbox, signal);
    const review = { apply: undefined, keep: keep === true, signal };
    if (workspace !== undefined && !(await endOfWorkspace(held, review))) return EXIT.failed;
    if (workspace === undefined && keep === true) await held.keep();
    return exitCode;
  } catch (error) {
    if (interrupt.exitCode !== undefined) return interrupt.exitCode;
    throw error;
  }
}

/** Connects this terminal to a shell in a sandbox, in its folder if it has one; resolves to the shell's exit code. */
export async function openTerminal(sandbox: Sandbox, signal: AbortSignal): Promise<number> {
  const cwd = sandbox.workspaces[0]?.guest;
  const terminal = await sandbox.pty.create({ ...windowSize(), cwd, onData: writeOut, signal });
  using _attached = attach(sandbox, terminal);
  const { exitCode } = await terminal.wait();
  return exitCode < 0 ? EXIT.failed : exitCode;
}

function windowSize(): { cols: number; rows: number } {
  return { cols: process.stdout.columns || 80, rows: process.stdout.rows || 24 };
}

function writeOut(data: Uint8Array): Promise<void> {
  return new Promise((resolve) => void process.stdout.write(data, () => resolve()));
}

/** Connects our terminal to the sandbox's; ours is restored afterwards, even if the program ends some other way. */
function attach(sandbox: Sandbox, terminal: CommandHandle): Disposable {
  const { stdin, stdout } = process;
  const type = inOrder((data) => sandbox.pty.sendInput(terminal.pid, data));
  const onResize = (): void => void sandbox.pty.resize(terminal.pid, windowSize()).catch(() => {});
  const onData = (data: Buffer): void => type(data);
  const onEnd = (): void => type(Buffer.from(END_OF_INPUT));
  const restore = (): void => void (stdin.isTTY && stdin.setRawMode(false));
  process.on("exit", restore);
  if (stdin.isTTY) stdin.setRawMode(true);
  stdin.on("data", onData).on("end", onEnd);
  stdout.on("resize", onResize);
  stdout.on("error", () => void terminal.kill().catch(() => {}));
  return {
    [Symbol.dispose]() {
      stdin.off("data", onData).off("end", onEnd).pause();
      stdout.off("resize", onResize);
      restore();
      process.off("exit", restore);
    },
  };
}

/** Sends pieces one after another; what arrives in the meantime is sent as one. */
function inOrder(send: (data: Buffer) => Promise<void>): (data: Buffer) => void {
  let waiting: Buffer[] = [];
  let sending = false;
  const flush = async (): Promise<void> => {
    if (sending) return;
    sending = true;
    while (waiting.length > 0) {
      const data = Buffer.concat(waiting);
      waiting = [];
      // The shell may have ended while the last key was in flight.
      await send(data).catch(() => {});
    }
    sending = false;
  };
  return (data) => {
    waiting.push(data);
    background(flush(), warning("Typing into the sandbox"));
  };
}
