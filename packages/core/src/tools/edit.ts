/** The outcome of an exact replacement, or what to say when it is not possible. */
export type Edit =
  | { readonly text: string; readonly count: number; readonly firstLine: number }
  | { readonly problem: string };

/**
 * Replaces the only occurrence of `from`, or with `all` every one. All line ends count as the same, and what takes its
 * place gets those of the file, line by line; where a text given has CRLF itself, it is meant as it is if that is found.
 */
export function replaceExactly(text: string, from: string, to: string, all: boolean): Edit {
  if (from === "") return { problem: "`old_string` is empty; give the text to replace." };
  if (from === to) return { problem: "`old_string` and `new_string` are the same; nothing to do." };
  const literal = /\r/.test(from + to) && text.includes(from);
  const wanted = literal ? from : toLf(from);
  const places = literal ? occurrences(text, from) : anyLineEnds(text, wanted);
  const first = places[0];
  if (first === undefined) return { problem: notFound(toLf(text), wanted) };
  if (places.length > 1 && !all) {
    const lines = places.slice(0, 10).map(([start]) => lineAt(text, start));
    const more = places.length > 10 ? ", …" : "";
    return {
      problem:
        `\`old_string\` is there ${places.length} times (lines ${lines.join(", ")}${more}), so multiple places match. ` +
        "Give more of the text around the one you mean, or set `replace_all`.",
    };
  }
  const isLf = !text.includes("\r\n");
  const pieces: string[] = [];
  let done = 0;
  for (const [start, end] of places) {
    pieces.push(text.slice(done, start));
    pieces.push(literal ? to : isLf ? toLf(to) : withLineEnds(toLf(to), text, start, end));
    done = end;
  }
  pieces.push(text.slice(done));
  return { text: pieces.join(""), count: places.length, firstLine: lineAt(text, first[0]) };
}

/** Where a part begins and ends. */
type Place = readonly [start: number, end: number];

function occurrences(text: string, part: string): Place[] {
  const places: Place[] = [];
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length))
    places.push([at, at + part.length]);
  return places;
}

/** The places of a part that has LF only, in a text that may have CRLF here and there. */
function anyLineEnds(text: string, part: string): Place[] {
  const plain = toLf(text);
  if (plain.length === text.length) return occurrences(text, part);
  let crlf = text.indexOf("\r\n");
  let before = 0;
  /** The index in `text` of one in `plain`; they are asked for in ascending order. */
  const inText = (index: number): number => {
    for (; crlf >= 0 && crlf - before < index; crlf = text.indexOf("\r\n", crlf + 2)) before += 1;
    return index + before;
  };
  return occurrences(plain, part).map(([start, end]) => [inText(start), inText(end)]);
}

/**
 * `to` with the line ends of what it takes the place of: lines that stay keep theirs, others get that of the line at
 * their place, or else before them.
 */
function withLineEnds(to: string, text: string, start: number, end: number): string {
  const lines = to.split("\n");
  if (lines.length === 1) return to;
  const old = text.slice(start, end).split("\n");
  const bare = old.map((line) => line.replace(/\r$/, ""));
  const shorter = Math.min(old.length, lines.length);
  let tail = 0;
  while (tail < shorter && lines.at(-1 - tail) === bare.at(-1 - tail)) tail += 1;
  let cr = old.length > 1 ? old[0]!.endsWith("\r") : crAround(text, start, end);
  return lines
    .map((line, at) => {
      if (at === lines.length - 1) return line;
      const fromEnd = lines.length - at;
      const same = fromEnd <= tail ? old.length - fromEnd : at;
      if (same < old.length - 1 && (fromEnd <= tail || same < old.length - tail)) {
        cr = old[same]!.endsWith("\r");
      }
      return cr ? `${line}\r` : line;
    })
    .join("\n");
}

/** Whether the line of a place, or else the one before it, ends with CRLF. */
function crAround(text: string, start: number, end: number): boolean {
  const after = text.indexOf("\n", end);
  const newline = after >= 0 ? after : text.lastIndexOf("\n", start - 1);
  return text[newline - 1] === "\r";
}

/** A text's lines. */
export interface Lines {
  /** Each with the carriage return of its line end, the last one with that of the line before it. */
  readonly lines: string[];
  /** The text of other lines, which ends as the first one did. */
  join(lines: readonly string[]): string;
}

export function linesOf(text: string): Lines {
  const lines = text === "" ? [] : text.split("\n");
  const ended = text === "" || lines.at(-1) === "";
  if (text !== "" && ended) lines.pop();
  const completed = !ended && lines.at(-2)?.endsWith("\r") === true;
  if (completed) lines.push(`${lines.pop()}\r`);
  return {
    lines,
    join(changed) {
      if (changed.length === 0) return "";
      const joined = changed.join("\n");
      if (ended) return `${joined}\n`;
      return completed ? joined.replace(/\r$/, "") : joined;
    },
  };
}

/** New lines with the line ends of the one before them, or else of the one that they come before. */
export function likeNeighbours(
  added: readonly string[],
  before: string | undefined,
  after: string | undefined,
): string[] {
  return (before ?? after)?.endsWith("\r") ? added.map((line) => `${line}\r`) : [...added];
}

function toLf(text: string): string {
  return text.replaceAll("\r\n", "\n");
}

function lineAt(text: string, at: number): number {
  let line = 1;
  for (let next = text.indexOf("\n"); next >= 0 && next < at; next = text.indexOf("\n", next + 1))
    line += 1;
  return line;
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
