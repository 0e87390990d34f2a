/** The outcome of an exact replacement, or what to say when it is not possible. */
export type Edit =
  | { readonly text: string; readonly count: number; readonly firstLine: number }
  | { readonly problem: string };

/**
 * Replaces the only occurrence of `from`, or with `all` every one. Where the file uses CRLF and `from` does not, both
 * texts are converted to the file's line endings.
 */
export function replaceExactly(text: string, from: string, to: string, all: boolean): Edit {
  if (from === "") return { problem: "`old_string` is empty; give the text to replace." };
  if (from === to) return { problem: "`old_string` and `new_string` are the same; nothing to do." };
  const crlf = !text.includes(from) && text.includes("\r\n");
  const [old, replacement] = crlf ? [toCrlf(from), toCrlf(to)] : [from, to];
  const places = occurrences(text, old);
  if (places.length === 0) return { problem: notFound(text, from) };
  if (places.length > 1 && !all) {
    const lines = places.slice(0, 10).map((at) => lineAt(text, at));
    const more = places.length > 10 ? ", …" : "";
    return {
      problem:
        `\`old_string\` is there ${places.length} times (lines ${lines.join(", ")}${more}), so multiple places match. ` +
        "Give more of the text around the one you mean, or set `replace_all`.",
    };
  }
  return {
    text: text.split(old).join(replacement),
    count: places.length,
    firstLine: lineAt(text, places[0]!),
  };
}

function occurrences(text: string, part: string): number[] {
  const places: number[] = [];
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length))
    places.push(at);
  return places;
}

function lineAt(text: string, at: number): number {
  let line = 1;
  for (let next = text.indexOf("\n"); next >= 0 && next < at; next = text.indexOf("\n", next + 1))
    line += 1;
  return line;
}

function toCrlf(text: string): string {
  return text.replaceAll(/\r?\n/g, "\r\n");
}

/** Says where a close match is; usually only white space differs. */
function notFound(text: string, from: string): string {
  const wanted = from
    .split("\n")
    .find((line) => line.trim() !== "")
    ?.trim();
  const lines = text.split("\n");
  const near = wanted === undefined ? -1 : lines.findIndex((line) => line.trim() === wanted);
  const hint =
    near < 0
      ? "Read the file again and copy the text exactly."
      : `Line ${near + 1} has its first line with other white space or other lines around it: ${JSON.stringify(lines[near]!.slice(0, 200))}.`;
  return `\`old_string\` was not found. ${hint}`;
}

/** The lines around a place, with their numbers. */
export function snippet(
  text: string,
  firstLine: number,
  count: number,
  around: number = 3,
): string {
  const lines = text.replace(/\n$/, "").split("\n");
  const from = Math.max(firstLine - around, 1);
  const to = Math.min(firstLine + Math.min(count, 40) - 1 + around, lines.length);
  const width = String(to).length;
  return lines
    .slice(from - 1, to)
    .map(
      (line, at) =>
        `${String(from + at).padStart(width)}\t${line.replace(/\r$/, "").slice(0, 500)}`,
    )
    .join("\n");
}
