import { type Command, Option } from "commander";
import { Sandbox } from "@emberbox/core";
import type { Workspace, WorkspaceApplyOptions } from "@emberbox/core/workspace";
import { microvm } from "@emberbox/microvm";
import { canAsk, confirm } from "../confirm.ts";
import { LONGEST_MS } from "../durations.ts";
import { EXIT, type Finish, reportFailure, say, UsageError } from "../failure.ts";
import { listenForInterrupt } from "../interrupt.ts";
import { printJson } from "../print.ts";
import { applyShown, ON_CONFLICT } from "./apply.ts";
import { chooseChanges } from "./choose.ts";
import { showDiff } from "./pager.ts";
import { workspacesOf } from "./review.ts";
import { counted, summaryOf } from "./summary.ts";

interface DiffFlags {
  readonly at?: string;
  readonly json?: true;
  readonly summary?: true;
}

interface ApplyFlags {
  readonly at?: string;
  readonly yes?: true;
  readonly onConflict?: NonNullable<WorkspaceApplyOptions["onConflict"]>;
}

const AT = "--at <PATH>";
const AT_TEXT = "the folder at this path in the sandbox (default: all)";
const RESUMED = "It is resumed for that, and paused again.";

export function addDiff(program: Command, finish: Finish): void {
  program
    .command("diff")
    .summary("show what a paused sandbox changed in its folder")
    .description(`Shows what a paused sandbox changed in its folder. ${RESUMED}`)
    .argument("<ID>", "the sandbox")
    .argument("[PATH]", "only this file or directory of the folder")
    .option("--summary", "only name what changed")
    .option("--json", "print the changes as JSON")
    .option(AT, AT_TEXT)
    .addHelpText(
      "after",
      `
On a terminal, it is shown in colours (unless NO_COLOR is set) and through $PAGER; elsewhere, it can be applied as a patch.

Examples:
  $ emberbox shell --workspace . --keep
  $ emberbox diff ID
  $ emberbox diff ID src > src.patch`,
    )
    .action(async (id: string, path: string | undefined, flags: DiffFlags) =>
      finish(
        await onPaused(id, flags, (workspace, signal) => diff(workspace, path, flags, signal)),
      ),
    );
}

async function diff(
  workspace: Workspace,
  path: string | undefined,
  flags: DiffFlags,
  signal: AbortSignal,
): Promise<void> {
  if (flags.summary) {
    const { changes } = await workspace.changes({ signal });
    const wanted = changes.filter((change) => path === undefined || isAt(path, change));
    if (flags.json) printJson(wanted);
    else if (wanted.length > 0) process.stdout.write(`${summaryOf(wanted, Infinity)}\n`);
    return;
  }
  const shown = await workspace.diff({ path, signal, format: flags.json ? "json" : "unified" });
  const { digest, files } = shown;
  if (flags.json) printJson({ host: workspace.host, guest: workspace.guest, digest, files });
  else await showDiff(shown.text);
}

export function addApply(program: Command, finish: Finish): void {
  program
    .command("apply")
    .summary("write what a paused sandbox changed to its folder on this machine")
    .description(
      `Writes what a paused sandbox changed to its folder on this machine: all that is chosen, or nothing. ${RESUMED}`,
    )
    .argument("<ID>", "the sandbox")
    .argument("[PATHS...]", "only these files and directories of the folder")
    .option("-y, --yes", "do not ask")
    .addOption(
      new Option(
        "--on-conflict <C>",
        "what to do about files that were changed on this machine, too (default: refuse, or ask)",
      ).choices(ON_CONFLICT),
    )
    .option(AT, AT_TEXT)
    .addHelpText(
      "after",
      `
Examples:
  $ emberbox apply ID
  $ emberbox apply ID src/main.ts --yes --on-conflict merge`,
    )
    .action(async (id: string, paths: string[], flags: ApplyFlags) => {
      refuseWithoutTerminal("apply", flags);
      finish(
        await onPaused(id, flags, (workspace, signal) => apply(workspace, paths, flags, signal)),
      );
    });
}

async function apply(
  workspace: Workspace,
  paths: readonly string[],
  { yes, onConflict }: ApplyFlags,
  signal: AbortSignal,
): Promise<void> {
  const shown = await workspace.changes({ signal });
  const wanted = chosen(shown.changes, paths);
  if (wanted.length === 0) return say(`nothing to apply to ${workspace.host}`);
  say(
    `${counted(wanted.length)} in ${workspace.guest}, of ${workspace.host}:\n${summaryOf(wanted)}`,
  );
  const possible = wanted.filter(({ refused }) => refused === undefined);
  const all = possible.map(({ path }) => path);
  const asked = yes ? all : await chooseChanges(workspace, possible, signal);
  await applyShown(workspace, shown, asked, signal, onConflict);
}

export function addDiscard(program: Command, finish: Finish): void {
  program
    .command("discard")
    .summary("undo what a paused sandbox changed in its copy of a folder")
    .description(
      `Undoes what a paused sandbox changed in its copy of a folder. The folder itself stays as it is. ${RESUMED}`,
    )
    .argument("<ID>", "the sandbox")
    .argument("[PATHS...]", "only these files and directories of the folder")
    .option("-y, --yes", "do not ask")
    .option(AT, AT_TEXT)
    .addHelpText(
      "after",
      `
Examples:
  $ emberbox discard ID
  $ emberbox discard ID node_modules --yes`,
    )
    .action(async (id: string, paths: string[], flags: ApplyFlags) => {
      refuseWithoutTerminal("discard", flags);
      finish(
        await onPaused(id, flags, (workspace, signal) => discard(workspace, paths, flags, signal)),
      );
    });
}

async function discard(
  workspace: Workspace,
  paths: readonly string[],
  { yes }: ApplyFlags,
  signal: AbortSignal,
): Promise<void> {
  const { changes } = await workspace.changes({ signal });
  const wanted = chosen(changes, paths);
  if (wanted.length === 0) return say(`nothing to undo in ${workspace.guest}`);
  say(`${counted(wanted.length)} in ${workspace.guest}:\n${summaryOf(wanted)}`);
  if (!yes && !(await confirm("Undo them in the sandbox?", false, signal))) return;
  await workspace.discard(paths.length === 0 ? undefined : paths, { signal });
  say(`undid ${counted(wanted.length)}`);
}

const isAt = (path: string, { path: changed }: { readonly path: string }): boolean =>
  changed === path || changed.startsWith(`${path.replace(/\/+$/, "")}/`);

/** @throws `UsageError` for a path that did not change */
function chosen<Change extends { readonly path: string }>(
  changes: readonly Change[],
  paths: readonly string[],
): Change[] {
  const odd = paths.find((path) => !changes.some((change) => isAt(path, change)));
  if (odd !== undefined)
    throw new UsageError(`nothing changed at ${odd}`, "Paths begin at the folder.");
  return changes.filter((change) => paths.length === 0 || paths.some((path) => isAt(path, change)));
}

function refuseWithoutTerminal(command: string, { yes }: ApplyFlags): void {
  if (yes || canAsk()) return;
  throw new UsageError(
    `${command} asks on a terminal`,
    "Say --yes, or look first: emberbox diff ID.",
  );
}

/** Resumes a sandbox, works on its folders, and pauses it again. */
async function onPaused(
  id: string,
  { at }: { readonly at?: string },
  work: (workspace: Workspace, signal: AbortSignal) => Promise<void>,
): Promise<number> {
  using interrupt = listenForInterrupt();
  const { signal } = interrupt;
  await using provider = microvm({ onProgress: say });
  try {
    const sandbox = await Sandbox.connect(id, { provider, signal, timeoutMs: LONGEST_MS });
    try {
      for (const workspace of workspacesOf(sandbox, at)) await work(workspace, signal);
      return EXIT.ok;
    } finally {
      await sandbox.pause().catch((error: unknown) => {
        reportFailure(error);
        say(`${id} could not be paused again, and is gone`);
      });
    }
  } catch (error) {
    if (interrupt.exitCode !== undefined) return interrupt.exitCode;
    throw error;
  }
}
