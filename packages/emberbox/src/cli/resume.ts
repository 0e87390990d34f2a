import type { Command } from "commander";
import { Sandbox } from "@emberbox/core";
import { microvm } from "@emberbox/microvm";
import { LONGEST_MS } from "./durations.ts";
import { EXIT, type Finish, say } from "./failure.ts";
import { aborted, listenForInterrupt } from "./interrupt.ts";

interface Flags {
  readonly reboot?: true;
}

export function addResume(program: Command, finish: Finish): void {
  program
    .command("resume")
    .summary("run a paused sandbox until Ctrl-C, and pause it again")
    .description(
      "Runs a paused sandbox in this program until it is told to stop (Ctrl-C, SIGTERM), and then pauses it again. Meanwhile `emberbox exec`, `cp` and `logs` work with it from other terminals. A sandbox that is killed or paused meanwhile ends this, too.",
    )
    .argument("<ID>", "as `emberbox list` shows it")
    .option("--reboot", "boot it from its disk, without what ran in it")
    .addHelpText(
      "after",
      `
Examples:
  $ emberbox resume i6x0q2m4k8s1v7w3y5z9a &
  $ emberbox exec i6x0q2m4k8s1v7w3y5z9a -- uptime`,
    )
    .action(async (id: string, flags: Flags) => finish(await resume(id, flags)));
}

async function resume(id: string, { reboot }: Flags): Promise<number> {
  using interrupt = listenForInterrupt();
  const { signal } = interrupt;
  await using provider = microvm({ onProgress: say, standby: false });
  let sandbox: Sandbox;
  try {
    const onResume = reboot ? "reboot" : "restore";
    sandbox = await Sandbox.connect(id, { provider, timeoutMs: LONGEST_MS, onResume, signal });
  } catch (error) {
    if (interrupt.exitCode !== undefined) return interrupt.exitCode;
    throw error;
  }
  say(`${id} runs; Ctrl-C pauses it`);
  process.stdout.write(`${id}\n`);
  // Neither a sandbox nor the handler of a signal keeps a program alive.
  const alive = setInterval(() => {}, 60_000);
  try {
    await stopped(sandbox, signal);
  } finally {
    clearInterval(alive);
  }
  if (!signal.aborted) {
    say(sandbox.gone?.message ?? "it does not run any more");
    return EXIT.ok;
  }
  await sandbox.pause();
  say(`${id} is paused`);
  return EXIT.ok;
}

/** How often a sandbox is looked at: a pause by another program is no end of it. In ms. */
const LOOK_MS = 500;

async function stopped(sandbox: Sandbox, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setInterval(() => sandbox.gone && resolve(), LOOK_MS);
  await Promise.race([aborted(signal), promise]);
  clearInterval(timer);
}
