import type { Command } from "commander";
import { Sandbox } from "@emberbox/core";
import type { CheckpointInfo } from "@emberbox/core/state";
import { oneLine } from "@emberbox/core/terminal";
import { microvm } from "@emberbox/microvm";
import { inWords } from "./durations.ts";
import { EXIT, type Finish, say } from "./failure.ts";
import { inMiB, printJson } from "./print.ts";

export function addHistory(program: Command, finish: Finish): void {
  program
    .command("history")
    .summary("draw a sandbox's checkpoints")
    .description(
      "Draws the tree of a sandbox's checkpoints, the oldest first. The sandbox may run in another program, be paused, or be gone because its program was killed.",
    )
    .argument("<SANDBOX>", "the sandbox's id")
    .option("--json", "print the checkpoints as JSON")
    .addHelpText("after", "\nExample:\n  $ emberbox history i0123456789abcdefghij")
    .action(async (sandboxId: string, { json }: { json?: true }) => {
      await using provider = microvm();
      const history = await Sandbox.history(sandboxId, { provider });
      if (json) printJson(history);
      else if (history.length === 0) say(`there are no checkpoints of ${sandboxId}`);
      else process.stdout.write(drawHistory(history, Date.now()));
      finish(EXIT.ok);
    });
}

/** A line for each checkpoint; where several follow one, each has a branch of its own. */
export function drawHistory(history: readonly CheckpointInfo[], now: number): string {
  const after = Map.groupBy(history, ({ parentId }) => parentId);
  const lines: string[] = [];
  // Not by recursion: a history may be long.
  const left = branches(after.get(undefined) ?? [], "");
  for (let next = left.pop(); next; next = left.pop()) {
    lines.push(`${next.first}${describe(next.checkpoint, now)}\n`);
    left.push(...branches(after.get(next.checkpoint.checkpointId) ?? [], next.rest));
  }
  return lines.join("");
}

interface Branch {
  readonly checkpoint: CheckpointInfo;
  /** What stands before it, and before what follows it. */
  readonly first: string;
  readonly rest: string;
}

/** The first one comes last, where it is taken first. */
function branches(checkpoints: readonly CheckpointInfo[], before: string): Branch[] {
  const isOne = checkpoints.length === 1;
  return checkpoints
    .map((checkpoint, index) => {
      const [first, rest] = isOne
        ? ["", ""]
        : index < checkpoints.length - 1
          ? ["├─", "│ "]
          : ["└─", "  "];
      return { checkpoint, first: before + first, rest: before + rest };
    })
    .toReversed();
}

function describe(checkpoint: CheckpointInfo, now: number): string {
  const { checkpointId, label, by, createdAt, sizeBytes, current, damaged } = checkpoint;
  const facts = [
    `${inWords(now - createdAt.getTime())} ago`,
    ...(sizeBytes === undefined ? [] : [inMiB(sizeBytes)]),
    ...(by === undefined ? [] : [`by ${oneLine(by)}`]),
    ...(damaged ? ["damaged"] : []),
    ...(current ? ["current"] : []),
  ];
  const name = label === undefined ? "" : `  ${oneLine(label)}`;
  return `${current ? "●" : "○"} ${checkpointId}${name}  (${facts.join(", ")})`;
}
