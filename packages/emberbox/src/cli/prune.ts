import type { Command } from "commander";
import { prune, type Pruned } from "@emberbox/microvm/internal";
import { oneLine } from "@emberbox/core/terminal";
import { confirm } from "./confirm.ts";
import { EXIT, type Finish, say, UsageError } from "./failure.ts";
import { listenForInterrupt } from "./interrupt.ts";
import { inMiB, printJson } from "./print.ts";

interface Flags {
  readonly all?: true;
  readonly yes?: true;
  readonly dryRun?: true;
  readonly json?: true;
}

export function addPrune(program: Command, finish: Finish): void {
  program
    .command("prune")
    .summary("remove images and templates that are not used any more")
    .description(
      "Removes disk images and warm machines that this version does not use, what builds of templates keep for later ones, copies of folders that no sandbox has or had in the last day, checkpoints of sandboxes whose programs were killed, and sandboxes that were paused for longer than they are to be kept. Sandboxes that run, other paused ones with their checkpoints, snapshots and templates of your own stay.",
    )
    .option(
      "--all",
      "remove everything: all images and templates, your own among them, paused sandboxes, snapshots and the server's records",
    )
    .option("--yes", "with --all, do not ask")
    .option("--dry-run", "only say what would be removed")
    .option("--json", "print what is removed as JSON: paths, and bytes on disk")
    .addHelpText(
      "after",
      `
--all is refused while a program uses any of it: sandboxes that run, or a server.

Examples:
  $ emberbox prune --dry-run
  $ emberbox prune
  $ emberbox prune --all --yes`,
    )
    .action(async (flags: Flags) => finish(await run(flags)));
}

/** What a person or another program made, or other programs may need. */
const LEFT = `what is left:
packages, Debian's (QEMU, bubblewrap, mmdebstrap) and npm's;
what you put elsewhere: projects, reports, files of images and their keys, a server's --state, other homes;
entries for \`emberbox mcp\` in the configuration of MCP clients`;

export const onWait = (): void =>
  say("waiting for another program that builds an image or warms a template");

async function run({ all, yes, dryRun, json }: Flags): Promise<number> {
  using interrupt = listenForInterrupt();
  const { signal } = interrupt;
  let pruned: readonly Pruned[];
  try {
    if (all && !yes && !dryRun && !(await isSure(signal))) return EXIT.failed;
    pruned = await prune({ all, dryRun, signal, onWait });
  } catch (error) {
    if (interrupt.exitCode !== undefined) return interrupt.exitCode;
    throw error;
  }
  if (json) printJson(pruned);
  else report(pruned, dryRun ?? false);
  if (all && !dryRun) say(LEFT);
  return EXIT.ok;
}

async function isSure(signal: AbortSignal): Promise<boolean> {
  if (!process.stdin.isTTY)
    throw new UsageError(
      "--all removes paused sandboxes and snapshots, too",
      "Say --yes if you mean it, or --dry-run to see what would go.",
    );
  return confirm("This removes paused sandboxes and snapshots, too. Go on?", false, signal);
}

export function report(pruned: readonly Pruned[], dryRun: boolean): void {
  for (const { path, bytes } of pruned)
    process.stdout.write(`${inMiB(bytes).padStart(10)}  ${oneLine(path)}\n`);
  const total = pruned.reduce((sum, { bytes }) => sum + bytes, 0);
  say(
    pruned.length === 0
      ? "nothing is unused"
      : `${inMiB(total)} ${dryRun ? "would be" : "were"} removed`,
  );
}
