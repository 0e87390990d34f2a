import { keep, keptIn } from "./keep.ts";
import type { ToolRun } from "./definition.ts";
import { formatBytes } from "./mime.ts";
import { truncate } from "./truncate.ts";
import type { ToolData, ToolFile } from "./types.ts";

/** What was printed, or as much of it as was kept. */
export interface Printed {
  readonly stdout: string;
  readonly stderr: string;
  /** Bytes printed, when not all were kept. */
  readonly stdoutBytes?: number | undefined;
  readonly stderrBytes?: number | undefined;
}

export interface Shown {
  readonly sections: string[];
  readonly files: ToolFile[];
  readonly data: Pick<ToolData, "stdout" | "stderr" | "truncated">;
}

/** Puts output into labelled sections; what is too long is cut, and saved whole to a file. */
export async function showPrinted(printed: Printed, run: ToolRun): Promise<Shown> {
  const stdout = await show("stdout", printed.stdout, printed.stdoutBytes, run);
  const stderr = await show("stderr", printed.stderr, printed.stderrBytes, run);
  return {
    sections: [stdout, stderr].flatMap(({ section }) => section),
    files: [stdout, stderr].flatMap(({ file }) => file),
    data: {
      stdout: stdout.text,
      stderr: stderr.text,
      truncated: stdout.truncated || stderr.truncated,
    },
  };
}

async function show(
  name: "stdout" | "stderr",
  output: string,
  bytes: number | undefined,
  run: ToolRun,
): Promise<{ text: string; truncated: boolean; section: string[]; file: ToolFile[] }> {
  const plain = asOnTerminal(output);
  const { text, truncated } = truncate(plain, run.limits.maxOutputBytes);
  if (text.trim() === "") return { text, truncated, section: [], file: [] };
  if (!truncated) return { text, truncated, section: [`${name}:\n${text.trimEnd()}`], file: [] };
  const file = await keep(run, `${name}.txt`, "text/plain", plain);
  const where =
    bytes === undefined
      ? keptIn(file)
      : `it printed ${formatBytes(bytes)}, of which ${file === undefined ? "only this was kept" : `the beginning and the end are in ${file.path}`}`;
  const section = `${name} (too long, beginning and end shown; ${where}):\n${text.trimEnd()}`;
  return { text, truncated, section: [section], file: file === undefined ? [] : [file] };
}

// oxlint-disable-next-line no-control-regex
const ESCAPES = /\x1b(?:\[[0-?]{0,32}[ -/]{0,8}[@-~]|\][^\x07\x1b]{0,512}(?:\x07|\x1b\\))/g;

/** Removes terminal colours and cursor movements, which cost a model many tokens and tell it nothing. */
export function withoutColours(text: string): string {
  return text.includes("\x1b") ? text.replaceAll(ESCAPES, "") : text;
}

/**
 * Text as a terminal leaves it: without colours, and without what carriage returns and backspaces took back, such as
 * the earlier states of a progress bar.
 */
export function asOnTerminal(text: string): string {
  const plain = withoutColours(text);
  if (!/[\b\r]/.test(plain)) return plain;
  return plain
    .split("\n")
    .map((line) => lastState(line))
    .join("\n");
}

function lastState(line: string): string {
  const end = line.endsWith("\r") ? "\r" : "";
  const state = line.replace(/\r+$/, "");
  const shown = state.slice(state.lastIndexOf("\r") + 1);
  return (shown.includes("\b") ? withoutBackspaces(shown) : shown) + end;
}

function withoutBackspaces(line: string): string {
  const kept: string[] = [];
  for (const character of line) {
    if (character === "\b") kept.pop();
    else kept.push(character);
  }
  return kept.join("");
}
