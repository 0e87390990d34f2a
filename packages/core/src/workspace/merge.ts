import { editsBetween, linesOf } from "./lines.ts";

/** The longest text that is merged, in bytes and in lines: a sandbox's must not take long, or much memory. */
export const MAX_MERGED: number = 4 * 1024 * 1024;
const MAX_LINES = 200_000;

/** What came of a merge: the text, or why there is none. */
export type Merged = { readonly bytes: Buffer } | { readonly why: string };

/** Lines `from` to `to` of the original, and what one side has in their place. */
interface Region {
  readonly from: number;
  readonly to: number;
  readonly lines: readonly string[];
}

/** Merges what two did to a text, line by line. As in git, changes of lines next to each other are in conflict. */
export function mergeTexts(original: Uint8Array, ours: Uint8Array, theirs: Uint8Array): Merged {
  const all = [original, ours, theirs];
  if (all.some((bytes) => bytes.includes(0))) return { why: "it is not text" };
  // One character for each byte, so that all encodings of text come through.
  const [base, one, other] = all.map((bytes) => linesOf(Buffer.from(bytes).toString("latin1"))) as [
    string[],
    string[],
    string[],
  ];
  if ([base, one, other].some(({ length }) => length > MAX_LINES))
    return { why: "it is too long to be merged" };
  const sides = [regionsOf(base, one), regionsOf(base, other)] as const;
  let merged = "";
  let position = 0;
  for (let next = [0, 0]; ;) {
    const group = groupFrom(sides, next);
    if (group === undefined) break;
    const [mine, yours] = group.regions.map((regions) => textOf(base, group, regions));
    const isBoth = group.regions.every((regions) => regions.length > 0);
    if (isBoth && mine !== yours) return { why: "the same lines were changed" };
    merged += base.slice(position, group.from).join("");
    merged += group.regions[0].length > 0 ? mine : yours;
    position = group.to;
    next = next.map((index, side) => index + group.regions[side]!.length);
  }
  merged += base.slice(position).join("");
  return { bytes: Buffer.from(merged, "latin1") };
}

interface Group {
  readonly from: number;
  readonly to: number;
  /** Of each side. */
  readonly regions: readonly [readonly Region[], readonly Region[]];
}

/** The first of the regions that are left, with all that overlap or touch it, or those. */
function groupFrom(
  sides: readonly [readonly Region[], readonly Region[]],
  next: readonly number[],
): Group | undefined {
  const regions: [Region[], Region[]] = [[], []];
  const upcoming = (side: 0 | 1): Region | undefined =>
    sides[side][next[side]! + regions[side].length];
  let from = Infinity;
  let to = -1;
  for (;;) {
    const [one, other] = [upcoming(0), upcoming(1)];
    const side = (one?.from ?? Infinity) <= (other?.from ?? Infinity) ? 0 : 1;
    const first = side === 0 ? one : other;
    if (first === undefined || (to !== -1 && first.from > to)) break;
    regions[side].push(first);
    from = Math.min(from, first.from);
    to = Math.max(to, first.to);
  }
  return to === -1 ? undefined : { from, to, regions };
}

/** What a side has in the place of a group's lines. */
function textOf(base: readonly string[], { from, to }: Group, regions: readonly Region[]): string {
  let text = "";
  let at = from;
  for (const region of regions) {
    text += base.slice(at, region.from).join("") + region.lines.join("");
    at = region.to;
  }
  return text + base.slice(at, to).join("");
}

function regionsOf(before: readonly string[], after: readonly string[]): Region[] {
  const regions: Region[] = [];
  let line = 0;
  let open: { from: number; to: number; lines: string[] } | undefined;
  for (const [kind, text] of editsBetween(before, after)) {
    if (kind === " ") {
      open = undefined;
      line++;
      continue;
    }
    if (open === undefined) regions.push((open = { from: line, to: line, lines: [] }));
    if (kind === "+") open.lines.push(text);
    else open.to = ++line;
  }
  return regions;
}
