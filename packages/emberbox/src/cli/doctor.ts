import { styleText } from "node:util";
import type { Command } from "commander";
import { type Check, diagnose } from "@emberbox/microvm/internal";
import { oneLine } from "@emberbox/core/terminal";
import { EXIT, type Finish } from "./failure.ts";
import { printJson } from "./print.ts";

export function addDoctor(program: Command, finish: Finish): void {
  program
    .command("doctor")
    .summary("say whether this machine can run sandboxes, and how well")
    .description(
      "Checks everything that sandboxes need of this machine and says how to put right what is wrong.",
    )
    .option("--json", "print the findings as JSON")
    .option("--retry", "try KVM again, whatever was found before")
    .addHelpText(
      "after",
      `
Exit code: 0, or 1 when something is missing that sandboxes cannot do without.

Examples:
  $ emberbox doctor
  $ emberbox doctor --json`,
    )
    .action(async (flags: Flags) => finish(await doctor(flags)));
}

interface Flags {
  readonly json?: true;
  readonly retry?: true;
}

async function doctor({ json, retry }: Flags): Promise<number> {
  const diagnosis = await diagnose({ retry });
  if (json) printJson(diagnosis);
  else
    process.stdout.write(diagnosis.checks.map((check) => checkInWords(check, inColour)).join(""));
  return diagnosis.ok ? EXIT.ok : EXIT.failed;
}

const colours = { ok: "green", warn: "yellow", fail: "red" } as const;
const inColour = (status: Check["status"], text: string): string =>
  styleText(colours[status], text, { stream: process.stdout });

/** One or two lines: what was found, and what to do about it. */
export function checkInWords(
  { id, status, detail, advice }: Check,
  style: (status: Check["status"], text: string) => string = (_, text) => text,
): string {
  const mark = style(status, status.padEnd(4));
  const first = `${mark}  ${id.padEnd(12)}  ${oneLine(detail)}\n`;
  return advice === undefined ? first : `${first}${" ".repeat(20)}${oneLine(advice)}\n`;
}
