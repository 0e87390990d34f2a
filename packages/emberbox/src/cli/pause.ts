import type { Command } from "commander";
import { EmberboxError } from "@emberbox/core";
import { attached } from "@emberbox/microvm/internal";
import { EXIT, type Finish } from "./failure.ts";
import { listenForInterrupt } from "./interrupt.ts";

export function addPause(program: Command, finish: Finish): void {
  program
    .command("pause")
    .summary("save running sandboxes to disk, whatever program runs them")
    .description(
      "Saves sandboxes to disk with all that runs in them, and ends them in the programs that run them. Calls that are under way there fail with `sandbox_paused`. `emberbox resume` and `Sandbox.connect` go on from there.",
    )
    .argument("<ID...>", "as `emberbox list` shows them")
    .addHelpText(
      "after",
      `
Examples:
  $ emberbox pause i6x0q2m4k8s1v7w3y5z9a`,
    )
    .action(async (ids: string[]) => finish(await pause(ids)));
}

async function pause(ids: readonly string[]): Promise<number> {
  using interrupt = listenForInterrupt();
  await using provider = attached();
  for (const id of ids) {
    try {
      await provider.pause!(id, { signal: interrupt.signal });
    } catch (error) {
      if (interrupt.exitCode !== undefined) return interrupt.exitCode;
      const isPaused = EmberboxError.isInstance(error) && error.code === "sandbox_paused";
      if (!isPaused) throw error;
    }
    process.stdout.write(`${id}\n`);
  }
  return EXIT.ok;
}
