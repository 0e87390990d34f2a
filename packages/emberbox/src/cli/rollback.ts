import type { Command } from "commander";
import { EmberboxError } from "@emberbox/core";
import { microvm } from "@emberbox/microvm";
import { branchPaused, findProgramOf } from "@emberbox/microvm/internal";
import { EXIT, type Finish, say } from "./failure.ts";
import { listenForInterrupt } from "./interrupt.ts";
import { parseUpTo } from "./numbers.ts";

/** As many as `Sandbox.branch` makes at once. */
const MOST_BRANCHES = 100;

/** `emberbox rollback` and `emberbox branch`. */
export function addRollback(program: Command, finish: Finish): void {
  program
    .command("rollback")
    .summary("take a paused sandbox back to a checkpoint")
    .description(
      "Takes a paused sandbox of any program back to a checkpoint; it stays paused, and is resumed from there. No machine is started. A sandbox that runs is its program's to take back.",
    )
    .argument("<SANDBOX>", "the sandbox's id")
    .argument("<CHECKPOINT>", "the checkpoint's id, as `emberbox history` tells it")
    .addHelpText(
      "after",
      "\nExample:\n  $ emberbox rollback i0123456789abcdefghij c0123456789abcdefghij",
    )
    .action(async (sandboxId: string, checkpointId: string) => {
      using interrupt = listenForInterrupt();
      await using provider = microvm();
      const { signal } = interrupt;
      try {
        const { undone } = await provider.rollback!(sandboxId, checkpointId, { signal });
        const left = undone.length === 0 ? "" : `; later checkpoints that stay: ${undone.length}`;
        say(`${sandboxId} is paused at ${checkpointId}${left}`);
        finish(EXIT.ok);
      } catch (error) {
        if (interrupt.exitCode !== undefined) return finish(interrupt.exitCode);
        throw await whyNot(sandboxId, error);
      }
    });
  program
    .command("branch")
    .summary("make paused sandboxes of a checkpoint")
    .description(
      "Makes new, paused sandboxes of a checkpoint, and prints their ids. The sandbox it was made of may run, be paused, or be gone because its program was killed. No machine is started.",
    )
    .argument("<SANDBOX>", "the id of the sandbox that the checkpoint is of")
    .argument("<CHECKPOINT>", "the checkpoint's id, as `emberbox history` tells it")
    .option("--count <N>", `how many, up to ${MOST_BRANCHES}`, parseUpTo(MOST_BRANCHES), 1)
    .addHelpText(
      "after",
      "\nExample:\n  $ emberbox branch i0123456789abcdefghij c0123456789abcdefghij --count 3",
    )
    .action(async (sandboxId: string, checkpointId: string, { count }: { count: number }) => {
      using interrupt = listenForInterrupt();
      const { signal } = interrupt;
      try {
        for await (const made of branchPaused(sandboxId, checkpointId, { count, signal }))
          process.stdout.write(`${made}\n`);
        finish(EXIT.ok);
      } catch (error) {
        if (interrupt.exitCode === undefined) throw error;
        finish(interrupt.exitCode);
      }
    });
}

/** A sandbox that this program does not find may run in another one. */
async function whyNot(sandboxId: string, error: unknown): Promise<unknown> {
  if (!EmberboxError.isInstance(error) || error.code !== "sandbox_not_found") return error;
  const program = await findProgramOf(sandboxId);
  if (program === undefined) return error;
  const what = `${sandboxId} runs in ${program.name} (${program.pid}), which is to take it back`;
  return new EmberboxError("unsupported", what, {
    cause: error,
    hint: `Call \`rollback\` there, or pause it first: emberbox pause ${sandboxId}`,
  });
}
