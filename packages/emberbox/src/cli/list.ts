import { type Command, Option } from "commander";
import { type Listed, listEverything } from "@emberbox/microvm/internal";
import { oneLine } from "@emberbox/core/terminal";
import { inWords as durationOf } from "./durations.ts";
import { EXIT, type Finish, say } from "./failure.ts";
import { openOutput } from "./output.ts";
import { inMiB, printJson } from "./print.ts";

interface Flags {
  readonly json?: true;
  readonly kind?: Listed["kind"];
}

const KINDS: readonly Listed["kind"][] = ["running", "paused", "snapshot", "checkpoint"];
/** How many checkpoints of a sandbox are shown among other things: there may be a thousand. */
const LATEST = 3;

export function addList(program: Command, finish: Finish): void {
  program
    .command("list")
    .alias("ls")
    .summary("show sandboxes of all programs: running, paused and saved ones")
    .description(
      "Shows the sandboxes that run in any program of this user, those that are paused, snapshots, and the latest checkpoints of each sandbox: how old each is, for how long it is still there, what it takes, who runs it, and its labels.",
    )
    .addOption(new Option("--kind <KIND>", "only those of this kind").choices(KINDS))
    .option("--json", "print them all as JSON: dates in ISO 8601, sizes in bytes")
    .addHelpText(
      "after",
      `
AGE counts from when a sandbox was created or paused, a snapshot or checkpoint taken. LEFT is the time until a running one ends or is paused, and
until a paused one may be removed. SIZE is memory for running ones, and disk for the others. LABELS of checkpoints are
their label, who asked for them, and their sandbox; all of one are drawn by \`emberbox history\`.

Examples:
  $ emberbox list
  $ emberbox list --kind checkpoint
  $ emberbox list --json | jq -r '.[] | select(.kind == "paused") | .id'`,
    )
    .action(async (flags: Flags) => finish(await list(flags)));
}

async function list({ json, kind }: Flags): Promise<number> {
  const everything = await listEverything();
  const all = kind ? everything.filter((each) => each.kind === kind) : everything;
  using _output = openOutput(); // Whoever reads it may have had enough.
  if (json) {
    printJson(all);
    return EXIT.ok;
  }
  const shown = kind ? all : withLatestCheckpoints(all);
  if (shown.length > 0)
    process.stdout.write(table([HEADINGS, ...shown.map((each) => rowOf(each, Date.now()))]));
  const more = all.length - shown.length;
  if (all.length === 0) say(kind ? `there are none that are ${kind}` : "there are no sandboxes");
  if (more > 0) say(`${more} older checkpoints: \`emberbox list --kind checkpoint\``);
  return EXIT.ok;
}

/** Without checkpoints that are not among the latest of their sandboxes. */
export function withLatestCheckpoints(all: readonly Listed[]): Listed[] {
  const checkpoints = all.filter(({ kind }) => kind === "checkpoint");
  const bySandbox = Map.groupBy(checkpoints, ({ of }) => of).values();
  const latest = new Set([...bySandbox].flatMap((each) => each.slice(-LATEST)));
  return all.filter((each) => each.kind !== "checkpoint" || latest.has(each));
}

const HEADINGS = ["ID", "STATE", "AGE", "LEFT", "SIZE", "TEMPLATE", "PROGRAM", "LABELS"];

/** Cells of the table for one of them. */
export function rowOf(listed: Listed, now: number): string[] {
  const { kind, id, since, until, sizeBytes, memoryMB, template, program } = listed;
  const size =
    kind === "running"
      ? memoryMB && `${memoryMB} MiB`
      : sizeBytes === undefined
        ? ""
        : inMiB(sizeBytes);
  return [
    id,
    listed.problem === undefined ? kind : "damaged",
    since ? durationOf(now - since.getTime()) : "",
    until ? durationOf(until.getTime() - now) : "",
    size || "",
    template ?? "",
    program ? `${program.name} (${program.pid})` : "",
    labelsOf(listed),
  ];
}

function labelsOf(listed: Listed): string {
  const { metadata = {}, names = [], label, by, of, current, abandoned, problem } = listed;
  const labels = Object.entries(metadata).map(([name, value]) => `${name}=${value}`);
  const facts = [
    ...[...names, ...labels, label, by && `by ${by}`, of && `of ${of}`, current && "current"],
    ...[abandoned && "whose program was killed", problem],
  ];
  return facts.filter(Boolean).join(" ");
}

/** The longest cell that is shown whole: labels are whatever programs have set. */
const MAX_CELL = 120;

export function table(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map((cell) => cut(oneLine(cell))));
  const widths = cells[0]!.map((_, at) => Math.max(...cells.map((row) => row[at]!.length)));
  return cells
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at]!))
        .join("  ")
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join("");
}

const cut = (text: string): string =>
  text.length > MAX_CELL ? `${text.slice(0, MAX_CELL - 1)}…` : text;
