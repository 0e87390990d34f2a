import { setTimeout as delay } from "node:timers/promises";
import type { Command } from "commander";
import { EmberboxError, Sandbox } from "@emberbox/core";
import { background } from "@emberbox/core/background";
import { attached, consoleOf } from "@emberbox/microvm/internal";
import { EXIT, type Finish, say } from "./failure.ts";
import { listenForInterrupt } from "./interrupt.ts";
import { openOutput, type Output } from "./output.ts";

interface Flags {
  readonly follow?: true;
}

export function addLogs(program: Command, finish: Finish): void {
  program
    .command("logs")
    .summary("show what a sandbox of another program logs, and follow its commands")
    .description(
      "Shows the end of the console of a sandbox that runs in some program of this user: what its kernel and its agent log. With --follow it also shows what commands print from now on, those that run and those that begin, until the sandbox ends or Ctrl-C. What code prints (`runCode`), and what commands printed before, is kept nowhere.",
    )
    .argument("<ID>", "as `emberbox list` shows it")
    .option("-f, --follow", "go on with what commands print")
    .addHelpText(
      "after",
      `
Examples:
  $ emberbox logs i6x0q2m4k8s1v7w3y5z9a
  $ emberbox logs -f i6x0q2m4k8s1v7w3y5z9a`,
    )
    .action(async (id: string, flags: Flags) => finish(await logs(id, flags)));
}

async function logs(id: string, { follow }: Flags): Promise<number> {
  using interrupt = listenForInterrupt();
  using output = openOutput();
  const signal = AbortSignal.any([interrupt.signal, output.broken]);
  await using provider = attached();
  try {
    const text = await consoleOf(id, signal);
    if (text !== "") await output.write(`${text}\n`);
    if (follow)
      await followCommands(await Sandbox.connect(id, { provider, signal }), output, signal);
    return EXIT.ok;
  } catch (error) {
    if (interrupt.exitCode !== undefined) return interrupt.exitCode;
    if (output.broken.aborted) return EXIT.brokenPipe;
    throw error;
  }
}

/** How often it is looked for new commands, in ms: what one prints before it is found is not shown. */
const LOOK_MS = 250;

async function followCommands(
  sandbox: Sandbox,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  const following = new Set<number>();
  while (sandbox.gone === undefined) {
    try {
      for (const { pid } of await sandbox.commands.list({ signal }))
        if (!following.has(pid)) {
          following.add(pid);
          followOne(sandbox, pid, output, signal);
        }
    } catch (error) {
      if (sandbox.gone === undefined) throw error;
      break;
    }
    await delay(LOOK_MS, undefined, { signal });
  }
  say(sandbox.gone?.message ?? "the sandbox does not run any more");
}

function followOne(sandbox: Sandbox, pid: number, output: Output, signal: AbortSignal): void {
  const connected = sandbox.commands.connect(pid, {
    signal,
    onStdout: (text) => output.write(text),
    onStderr: (text) => output.writeError(text),
  });
  // It may have ended meanwhile, with whatever exit code.
  background(
    connected.then((command) => command.wait()),
    (error) => {
      if (!EmberboxError.isInstance(error) && !signal.aborted) throw error;
    },
  );
}
