import type { Command } from "commander";
import { type CommandHandle, EmberboxError, Sandbox } from "@emberbox/core";
import { background, warning } from "@emberbox/core/background";
import { quote } from "@emberbox/core/template";
import { attached } from "@emberbox/microvm/internal";
import { EXIT, type Finish, UsageError } from "./failure.ts";
import { listenForInterrupt } from "./interrupt.ts";
import { openOutput } from "./output.ts";
import { openTerminal } from "./shell.ts";

interface Flags {
  readonly stdin?: true;
  readonly user?: string;
  readonly cwd?: string;
}

export function addExec(program: Command, finish: Finish): void {
  program
    .command("exec")
    .summary("run a command, or a shell, in a sandbox of another program")
    .description(
      "Runs a command in a sandbox that runs in some program of this user, and streams what it prints. Without a command it opens a terminal there.",
    )
    .argument("<ID>", "as `emberbox list` shows it")
    .argument(
      "[COMMAND...]",
      "the command and its arguments, as words; the sandbox's shell reads none of them",
    )
    .option("-i, --stdin", "pass standard input on to the command")
    .option("-u, --user <NAME>", "who runs it (default: the sandbox's user)")
    .option("-w, --cwd <DIR>", "where it runs (default: the user's home directory)")
    .addHelpText(
      "after",
      `
Exit code: that of the command.

Examples:
  $ emberbox exec i6x0q2m4k8s1v7w3y5z9a
  $ emberbox exec i6x0q2m4k8s1v7w3y5z9a -- ls -l /home/user
  $ emberbox exec i6x0q2m4k8s1v7w3y5z9a -- bash -c 'ps aux | head'
  $ tar -c src | emberbox exec -i i6x0q2m4k8s1v7w3y5z9a -- tar -x`,
    )
    .action(async (id: string, words: string[], flags: Flags) =>
      finish(await exec(id, words, flags)),
    );
}

async function exec(
  id: string,
  words: readonly string[],
  { stdin, user, cwd }: Flags,
): Promise<number> {
  if (words.length === 0 && !process.stdin.isTTY)
    throw new UsageError("there is nothing to run", "Say which command: emberbox exec ID -- ls");
  using interrupt = listenForInterrupt();
  using output = openOutput();
  const signal = AbortSignal.any([interrupt.signal, output.broken]);
  await using provider = attached();
  try {
    const sandbox = await Sandbox.connect(id, { provider, signal });
    if (words.length === 0) return await openTerminal(sandbox, signal);
    const command = await sandbox.commands.stream(words.map(quote).join(" "), {
      signal,
      stdin: stdin ?? false,
      ...(user !== undefined && { user }),
      ...(cwd !== undefined && { cwd }),
      onStdout: (data) => output.write(data),
      onStderr: (data) => output.writeError(data),
    });
    if (stdin) background(typeInto(command), warning("Passing on standard input"));
    const { exitCode } = await command.wait();
    return exitCode < 0 ? EXIT.failed : exitCode;
  } catch (error) {
    if (interrupt.exitCode !== undefined) return interrupt.exitCode;
    if (output.broken.aborted) return EXIT.brokenPipe;
    throw error;
  }
}

/** The command may end before its input does. */
async function typeInto(command: CommandHandle): Promise<void> {
  try {
    for await (const data of process.stdin) await command.sendStdin(data as Buffer);
    await command.closeStdin();
  } catch (error) {
    const isOver = EmberboxError.isInstance(error) && error.code === "process_not_found";
    if (!isOver) throw error;
  } finally {
    process.stdin.destroy();
  }
}
