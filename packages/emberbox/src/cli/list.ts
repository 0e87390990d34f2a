import type { Command } from "commander";
import { type Listed, listEverything } from "@emberbox/microvm/internal";
import { oneLine } from "@emberbox/core/terminal";
import { inWords as durationOf } from "./durations.ts";
import { EXIT, type Finish, say } from "./failure.ts";
import { openOutput } from "./output.ts";
import { inMiB, printJson } from "./print.ts";

interface Flags {
  readonly json?: true;
}

export function addList(program: Command, finish: Finish): void {
  program
    .command("list")
    .alias("ls")
    .summary("show sandboxes of all programs: running, paused and saved ones")
    .description(
      "Shows the sandboxes that run in any program of this user, those that are paused, and snapshots: how old each is, for how long it is still there, what it takes, who runs it, and its labels.",
    )
    .option("--json", "print them as JSON: dates in ISO 8601, sizes in bytes")
    .addHelpText(
      "after",
      `
AGE counts from when a sandbox was created or paused. LEFT is the time until a running one ends or is paused, and
until a paused one may be removed. SIZE is memory for running ones, and disk for the others.

Examples:
  $ emberbox list
  $ emberbox list --json | jq -r '.[] | select(.kind == "paused") | .id'`,
    )
    .action(async (flags: Flags) => finish(await list(flags)));
}

async function list({ json }: Flags): Promise<number> {
  const all = await listEverything();
  using _output = openOutput(); // Whoever reads it may have had enough.
  if (json) printJson(all);
  else if (all.length === 0) say("there are no sandboxes");
  else process.stdout.write(table([HEADINGS, ...all.map((each) => rowOf(each, Date.now()))]));
  return EXIT.ok;
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

function labelsOf({ metadata = {}, names = [], of, problem }: Listed): string {
  const labels = Object.entries(metadata).map(([name, value]) => `${name}=${value}`);
  return [...names, ...labels, ...(of ? [`of ${of}`] : []), ...(problem ? [problem] : [])].join(
    " ",
  );
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
