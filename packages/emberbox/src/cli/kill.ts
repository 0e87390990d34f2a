import type { Command } from "commander";
import { microvm } from "@emberbox/microvm";
import { attached, listEverything } from "@emberbox/microvm/internal";
import { EXIT, type Finish, say } from "./failure.ts";

export function addKill(program: Command, finish: Finish): void {
  program
    .command("kill")
    .summary("end sandboxes, running in any program or paused")
    .description(
      "Ends sandboxes, whatever they are doing: those that run in any program of this user, and paused ones, whose files are removed.",
    )
    .argument("<ID...>", "as `emberbox list` shows them")
    .addHelpText(
      "after",
      `
Exit code: 0, or 1 when there was none of one of the ids.

Examples:
  $ emberbox kill i6x0q2m4k8s1v7w3y5z9a
  $ emberbox list --json | jq -r '.[] | select(.kind == "paused") | .id' | xargs emberbox kill`,
    )
    .action(async (ids: string[]) => finish(await kill(ids)));
}

async function kill(ids: readonly string[]): Promise<number> {
  await using others = attached();
  await using own = microvm();
  let exitCode: number = EXIT.ok;
  for (const id of ids) {
    // Its program first: one that is just being paused is on disk afterwards.
    const ran = await others.kill(id);
    if ((await own.kill(id)) || ran) process.stdout.write(`${id}\n`);
    else {
      say(`no sandbox \`${id}\` is running or paused${await whatElse(id)}`);
      exitCode = EXIT.failed;
    }
  }
  return exitCode;
}

/** What an id is of, if it is not a sandbox that could be ended. */
async function whatElse(id: string): Promise<string> {
  const all = await listEverything();
  const found = all.find((each) => each.id === id && each.kind !== "running");
  if (found?.kind === "snapshot") return ": it is a snapshot, which programs delete";
  if (found?.kind === "checkpoint")
    return `: it is a checkpoint of \`${found.of}\`, and goes with it`;
  const left = all.filter(({ of, kind }) => of === id && kind === "checkpoint").length;
  if (left > 0) return `; \`emberbox prune\` removes its ${left} checkpoints`;
  const longer = all.filter((each) => id.length >= 4 && each.id.startsWith(id)).length;
  return longer > 0 ? "; ids are given whole" : "";
}
