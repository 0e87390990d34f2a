import type { WorkspaceChange } from "@emberbox/core/workspace";
import { oneLine } from "@emberbox/core/terminal";

const LINES = 40;

/** A line for each change, as far as they fit on a screen. */
export function summaryOf(changes: readonly WorkspaceChange[], most: number = LINES): string {
  const lines = changes.slice(0, most).map(lineOf);
  const more = changes.length - lines.length;
  if (more > 0) lines.push(`… and ${more} more`);
  return lines.join("\n");
}

export function lineOf({ kind, path, from, before, after, refused }: WorkspaceChange): string {
  const what = kind === "mode" || kind === "type" ? "changed" : kind;
  const how =
    kind === "mode" && before !== undefined && after !== undefined
      ? ` (mode ${before.mode.toString(8)} to ${after.mode.toString(8)})`
      : kind === "type" && before !== undefined && after !== undefined
        ? ` (${before.type} to ${after.type})`
        : "";
  const name = oneLine(path) + ((after ?? before)?.type === "directory" ? "/" : "");
  const where = from === undefined ? name : `${oneLine(from)} -> ${name}`;
  const why = refused === undefined ? "" : ` — cannot be applied: ${oneLine(refused)}`;
  return `${what.padEnd(7)}  ${where}${how}${why}`;
}

export const counted = (count: number): string => (count === 1 ? "1 change" : `${count} changes`);
