import type { DiffHunk, FileDiff, WorkspaceState } from "./types.ts";

/** A change in the form of `git diff`. */
export function unified(diff: FileDiff): string {
  const { path, from = path, before, after } = diff;
  // Git knows no directories.
  if ((after ?? before!).type === "directory" && (before ?? after!).type === "directory")
    return `# directory ${diff.kind}: ${quoted(`${path}/`)}${diff.refused === undefined ? "" : ` (not applied: ${diff.refused})`}\n`;
  const lines = [`diff --git ${quoted(`a/${from}`)} ${quoted(`b/${path}`)}`];
  const isNew = diff.kind === "added";
  const isGone = diff.kind === "removed";
  if (isNew) lines.push(`new file mode ${modeOf(after!)}`);
  else if (isGone) lines.push(`deleted file mode ${modeOf(before!)}`);
  else if (modeOf(before!) !== modeOf(after!))
    lines.push(`old mode ${modeOf(before!)}`, `new mode ${modeOf(after!)}`);
  if (diff.kind === "renamed")
    lines.push("similarity index 100%", `rename from ${quoted(from)}`, `rename to ${quoted(path)}`);
  if (diff.refused !== undefined) lines.push(`# not applied: ${diff.refused}`);
  const names = `${isNew ? "/dev/null" : quoted(`a/${from}`)} and ${isGone ? "/dev/null" : quoted(`b/${path}`)}`;
  if (diff.notShown === "binary") lines.push(`Binary files ${names} differ`);
  else if (diff.notShown !== undefined) lines.push(`# not shown (${diff.notShown}): ${names}`);
  if (diff.hunks.length > 0)
    lines.push(
      `--- ${isNew ? "/dev/null" : quoted(`a/${from}`)}`,
      `+++ ${isGone ? "/dev/null" : quoted(`b/${path}`)}`,
      ...diff.hunks.flatMap((hunk) => [headOf(hunk), ...hunk.lines]),
    );
  return `${lines.join("\n")}\n`;
}

const headOf = ({ beforeStart, beforeLines, afterStart, afterLines }: DiffHunk): string =>
  `@@ -${range(beforeStart, beforeLines)} +${range(afterStart, afterLines)} @@`;
const range = (start: number, lines: number): string =>
  lines === 1 ? String(start) : `${start},${lines}`;

function modeOf({ type, mode }: WorkspaceState): string {
  if (type === "symlink") return "120000";
  const kind = type === "directory" ? 0o040000 : type === "file" ? 0o100000 : 0;
  return (kind | (mode & 0o777)).toString(8).padStart(6, "0");
}

/** As git does it: names with characters that could be taken for something else are in quotes. */
function quoted(name: string): string {
  if (
    // oxlint-disable-next-line no-control-regex
    !/["\\\x00-\x1f\x7f-\x9f\u{2028}\u{2029}\u{202a}-\u{202e}\u{2066}-\u{2069}\u{dc80}-\u{dcff}]/u.test(
      name,
    )
  )
    return name;
  const escaped = [...name].map((character) => {
    const code = character.codePointAt(0)!;
    if (character === '"' || character === "\\") return `\\${character}`;
    if (character === "\n") return "\\n";
    if (character === "\t") return "\\t";
    if (code >= 0xdc80 && code <= 0xdcff) return octal(code - 0xdc00);
    if (code >= 0x20 && code < 0x7f) return character;
    return [...Buffer.from(character)].map(octal).join("");
  });
  return `"${escaped.join("")}"`;
}

const octal = (byte: number): string => `\\${byte.toString(8).padStart(3, "0")}`;
