import type { DiffHunk } from "./types.ts";

/** Edits beyond which two texts are taken to have nothing in common, so that no text takes long. */
const MAX_EDITS = 1500;
const CONTEXT = 3;

/** Lines with their ends; the last one may have none. */
export function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

type Edit = readonly [kind: " " | "-" | "+", line: string];

const same = (line: string): Edit => [" ", line];

/** The shortest way from one list of lines to another (Myers), or a way, when that would be long. */
export function editsBetween(before: readonly string[], after: readonly string[]): Edit[] {
  let begin = 0;
  while (begin < before.length && begin < after.length && before[begin] === after[begin]) begin++;
  let end = 0;
  while (
    end < before.length - begin &&
    end < after.length - begin &&
    before[before.length - 1 - end] === after[after.length - 1 - end]
  )
    end++;
  return [
    ...before.slice(0, begin).map(same),
    ...middle(before.slice(begin, before.length - end), after.slice(begin, after.length - end)),
    ...before.slice(before.length - end).map(same),
  ];
}

function middle(before: readonly string[], after: readonly string[]): Edit[] {
  const isOneSided = before.length === 0 || after.length === 0;
  const trace = isOneSided ? undefined : traceOf(before, after);
  if (trace === undefined)
    return [...before.map((line): Edit => ["-", line]), ...after.map((line): Edit => ["+", line])];
  const edits: Edit[] = [];
  let x = before.length;
  let y = after.length;
  for (let d = trace.length - 1; d >= 0; d--) {
    const reached = trace[d]!;
    const k = x - y;
    const down = k === -d || (k !== d && at(reached, d, k - 1) < at(reached, d, k + 1));
    const fromK = down ? k + 1 : k - 1;
    const fromX = d === 0 ? 0 : at(reached, d, fromK);
    const fromY = d === 0 ? 0 : fromX - fromK;
    while (x > fromX && y > fromY) {
      edits.push([" ", before[--x]!]);
      y--;
    }
    if (d === 0) break;
    if (down) edits.push(["+", after[--y]!]);
    else edits.push(["-", before[--x]!]);
  }
  return edits.toReversed();
}

/** How far each diagonal got with `d - 1` edits, for each `d`; a diagonal `k` is at `k + d`. */
const at = (reached: Int32Array, d: number, k: number): number => reached[k + d] ?? -1;

function traceOf(before: readonly string[], after: readonly string[]): Int32Array[] | undefined {
  const trace: Int32Array[] = [];
  const most = Math.min(before.length + after.length, MAX_EDITS);
  let reached = new Int32Array(3);
  for (let d = 0; d <= most; d++) {
    trace.push(reached);
    // Diagonals from -d - 1 to d + 1, for the next round.
    const next = new Int32Array(2 * d + 3).fill(-1);
    for (let k = -d; k <= d; k += 2) {
      const down = k === -d || (k !== d && at(reached, d, k - 1) < at(reached, d, k + 1));
      let x = d === 0 ? 0 : down ? at(reached, d, k + 1) : at(reached, d, k - 1) + 1;
      let y = x - k;
      while (x < before.length && y < after.length && before[x] === after[y]) {
        x++;
        y++;
      }
      next[k + d + 1] = x;
      if (x >= before.length && y >= after.length) return trace;
    }
    reached = next;
  }
  return undefined;
}

/** Edits that are near each other, with the lines around them. */
export function hunksOf(edits: readonly Edit[]): DiffHunk[] {
  const hunks: DiffHunk[] = [];
  const changed = edits.flatMap(([kind], index) => (kind === " " ? [] : [index]));
  /** Lines before the edit that is looked at. */
  let position = 0;
  let [beforeLine, afterLine] = [1, 1];
  for (let first = 0; first < changed.length;) {
    let last = first;
    while (last + 1 < changed.length && changed[last + 1]! - changed[last]! <= 2 * CONTEXT + 1)
      last++;
    const from = Math.max(0, changed[first]! - CONTEXT);
    const to = Math.min(edits.length, changed[last]! + CONTEXT + 1);
    for (; position < from; position++) [beforeLine, afterLine] = [beforeLine + 1, afterLine + 1];
    const [beforeStart, afterStart] = [beforeLine, afterLine];
    const lines: string[] = [];
    for (; position < to; position++) {
      const [kind, line] = edits[position]!;
      if (kind !== "+") beforeLine++;
      if (kind !== "-") afterLine++;
      lines.push(kind + line.replace(/\n$/, ""));
      if (!line.endsWith("\n")) lines.push("\\ No newline at end of file");
    }
    const [beforeLines, afterLines] = [beforeLine - beforeStart, afterLine - afterStart];
    hunks.push({
      // Where there are no lines, the one before is named.
      beforeStart: beforeLines === 0 ? beforeStart - 1 : beforeStart,
      beforeLines,
      afterStart: afterLines === 0 ? afterStart - 1 : afterStart,
      afterLines,
      lines,
    });
    first = last + 1;
  }
  return hunks;
}
