import { likeNeighbours, linesOf } from "../edit.ts";

/**
 * Applies a V4A diff: sections that begin with `@@`, optionally with a line to look for first, and contain lines that
 * begin with a space (context), `-` (removed) or `+` (added). `create` takes a diff of added lines only. The text's
 * line endings are kept.
 * @throws an `Error` that says which lines do not match
 */
export function applyDiff(
  text: string,
  diff: string,
  mode: "default" | "create" = "default",
): string {
  const diffLines = diff.split(/\r?\n/);
  if (diffLines.at(-1) === "") diffLines.pop();
  if (mode === "create") return created(diffLines);
  const { lines, join } = linesOf(text);
  return join(applySections(lines, parseSections(diffLines)));
}

interface Section {
  /** Lines to find, in this order, before the change. */
  readonly anchors: string[];
  readonly before: string[];
  readonly after: string[];
  /** For each line of `after`, the line of `before` that it keeps, or -1. */
  readonly keeps: number[];
  /** True when the change is at the end of the file. */
  atEnd: boolean;
}

function created(lines: readonly string[]): string {
  const wrong = lines.findIndex((line) => !line.startsWith("+"));
  if (wrong >= 0) {
    throw new Error(`Line ${wrong + 1} of the diff must begin with "+": ${shown(lines[wrong]!)}`);
  }
  return lines.map((line) => `${line.slice(1)}\n`).join("");
}

function parseSections(lines: readonly string[]): Section[] {
  const sections: Section[] = [];
  let section: Section | undefined;
  const start = (): Section => {
    const fresh = { anchors: [], before: [], after: [], keeps: [], atEnd: false };
    sections.push(fresh);
    return fresh;
  };
  for (const [at, line] of lines.entries()) {
    if (line === "*** End of File") {
      (section ??= start()).atEnd = true;
    } else if (line.startsWith("*** End Patch") || line.startsWith("*** Begin Patch")) {
      continue;
    } else if (line.startsWith("@@")) {
      const anchor = line.slice(2).trim();
      const onlyAnchors =
        section !== undefined && section.before.length + section.after.length === 0;
      if (!onlyAnchors) section = start();
      if (anchor !== "" && !/^-\d+(?:,\d+)? \+\d+(?:,\d+)? @@/.test(anchor))
        section!.anchors.push(anchor);
    } else {
      addLine((section ??= start()), line, at);
    }
  }
  return sections.filter(({ before, after }) => before.length + after.length > 0);
}

function addLine(section: Section, line: string, at: number): void {
  const text = line.slice(1);
  const kind = line === "" ? " " : line[0];
  if (kind === "+") {
    section.after.push(text);
    section.keeps.push(-1);
  } else if (kind === "-") {
    section.before.push(text);
  } else if (kind === " ") {
    section.keeps.push(section.before.length);
    section.before.push(text);
    section.after.push(text);
  } else {
    throw new Error(
      `Line ${at + 1} of the diff must begin with " ", "-", "+" or "@@": ${shown(line)}`,
    );
  }
}

function applySections(lines: readonly string[], sections: readonly Section[]): string[] {
  const result: string[] = [];
  let from = 0;
  for (const section of sections) {
    let at = from;
    for (const anchor of section.anchors) at = findAnchor(lines, anchor, at) + 1;
    const place = findPlace(lines, section, at);
    result.push(...lines.slice(from, place));
    // Context that matched only loosely stays as it is in the file.
    for (const [index, line] of section.after.entries()) {
      const kept = section.keeps[index]!;
      if (kept >= 0) result.push(lines[place + kept]!);
      else result.push(...likeNeighbours([line], result.at(-1), lines[place]));
    }
    from = place + section.before.length;
  }
  return [...result, ...lines.slice(from)];
}

/**
 * How closely lines must match, strictest first: exactly but for the line end, ignoring trailing white space, ignoring
 * white space at both ends.
 */
const likenesses: readonly ((line: string) => string)[] = [
  (line) => line.replace(/\r$/, ""),
  (line) => line.trimEnd(),
  (line) => line.trim(),
];

function findAnchor(lines: readonly string[], anchor: string, from: number): number {
  for (const like of likenesses) {
    const at = lines.findIndex((line, index) => index >= from && like(line) === like(anchor));
    if (at >= 0) return at;
  }
  throw new Error(`The line after "@@" was not found: ${shown(anchor)}`);
}

function findPlace(
  lines: readonly string[],
  { before, anchors, atEnd }: Section,
  from: number,
): number {
  if (before.length === 0) return atEnd || anchors.length === 0 ? lines.length : from;
  const last = lines.length - before.length;
  for (const like of likenesses) {
    const wanted = before.map(like);
    const fits = (at: number): boolean =>
      wanted.every((line, index) => like(lines[at + index]!) === line);
    if (atEnd && last >= from && fits(last)) return last;
    for (let at = from; at <= last; at += 1) if (fits(at)) return at;
  }
  throw new Error(
    `These lines of the diff were not found in the file${from > 0 ? ` after line ${from}` : ""}:\n${before.slice(0, 10).join("\n").slice(0, 1000)}`,
  );
}

function shown(line: string): string {
  return JSON.stringify(line.slice(0, 200));
}
