import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporary } from "../testing/temporary.ts";
import { mergeTexts } from "./merge.ts";

const merge = (...texts: [string, string, string]) => {
  const [original, ours, theirs] = texts.map((text) => Buffer.from(text, "latin1"));
  const merged = mergeTexts(original!, ours!, theirs!);
  return "bytes" in merged ? merged.bytes.toString("latin1") : merged;
};
const conflict = { why: "the same lines were changed" };

test.each<[what: string, original: string, ours: string, theirs: string, merged: unknown]>([
  [
    "changes far from each other",
    "a\nb\nc\nd\ne\n",
    "A\nb\nc\nd\ne\n",
    "a\nb\nc\nd\nE\n",
    "A\nb\nc\nd\nE\n",
  ],
  ["the same change on both sides", "a\nb\nc\n", "a\nB\nc\n", "a\nB\nc\n", "a\nB\nc\n"],
  ["other changes of one line", "a\nb\nc\n", "a\nB\nc\n", "a\n!\nc\n", conflict],
  ["changes of lines next to each other", "a\nb\nc\n", "A\nb\nc\n", "a\nB\nc\n", conflict],
  ["lines put at the same place", "a\nb\n", "a\nx\nb\n", "a\ny\nb\n", conflict],
  ["a removed line that the other changed", "a\nb\nc\n", "a\nc\n", "a\nB\nc\n", conflict],
  [
    "lines removed far from each other",
    "a\nb\nc\nd\ne\n",
    "b\nc\nd\ne\n",
    "a\nb\nc\nd\n",
    "b\nc\nd\n",
  ],
  ["one side that did nothing", "a\nb\n", "a\nb\n", "", ""],
  ["no newline at the end", "a\nb\nc\nd", "A\nb\nc\nd", "a\nb\nc\nD", "A\nb\nc\nD"],
  ["a newline at the end on one side", "a\nb\nc", "A\nb\nc", "a\nb\nc\n", "A\nb\nc\n"],
  ["ends of Windows", "a\r\nb\r\nc\r\n", "A\r\nb\r\nc\r\n", "a\r\nb\r\nC\r\n", "A\r\nb\r\nC\r\n"],
  ["other ends on one side", "a\nb\nc\n", "a\r\nb\r\nc\r\n", "a\nb\nC\n", conflict],
  [
    "bytes that are not UTF-8",
    "\xe9\nb\nc\n",
    "\xe9\nb\n\xff\n",
    "\xe8\nb\nc\n",
    "\xe8\nb\n\xff\n",
  ],
  ["nothing that both began with", "", "a\n", "b\n", conflict],
  ["what is no text", "a\n", "a\0\n", "b\n", { why: "it is not text" }],
  ["too many lines", "a\n", "b\n", "\n".repeat(200_001), { why: "it is too long to be merged" }],
])("%s", (_, original, ours, theirs, merged) => {
  expect(merge(original, ours, theirs)).toEqual(merged);
  expect(merge(original, theirs, ours)).toEqual(merged);
});

const lines = (count: number): string => "same\n".repeat(count);
test("lines that are all the same take no longer than others", () => {
  expect(merge(lines(150_000), `first\n${lines(150_000)}`, lines(149_000))).toBe(
    `first\n${lines(149_000)}`,
  );
  expect(merge(lines(150_000), "x\n".repeat(150_000), "y\n".repeat(150_000))).toEqual(conflict);
});

const hasGit = spawnSync("git", ["--version"]).status === 0;
if (!hasGit) console.warn("SKIPPED: merges are not compared with git's, which is not installed");

test.skipIf(!hasGit)("of many texts there comes what comes of them with git", async () => {
  const directory = await temporary();
  let seed = 1;
  const random = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((seed / 2 ** 31) * below);
  };
  // Few lines are the same, so that there is one shortest way from one text to another.
  const changed = (lines: readonly string[]): string[] => {
    const result = [...lines];
    for (let count = random(3); count >= 0; count--)
      result.splice(random(result.length), random(3), ...Array(random(2)).fill(`n${random(4)}\n`));
    return result;
  };
  const counts = { merged: 0, conflicts: 0 };
  for (let round = 0; round < 300; round++) {
    const base = Array.from({ length: 8 + random(20) }, (_, index) => `line ${index}\n`);
    const texts = [changed(base), base, changed(base)].map((lines) => lines.join(""));
    const paths = texts.map((text, index) => {
      const path = join(directory, String(index));
      writeFileSync(path, text);
      return path;
    });
    let git: string | typeof conflict;
    try {
      git = execFileSync("git", ["merge-file", "-p", ...paths], {
        encoding: "utf8",
        stdio: "pipe",
      });
    } catch {
      git = conflict;
    }
    expect({ texts, merged: merge(texts[1]!, texts[0]!, texts[2]!) }).toEqual({
      texts,
      merged: git,
    });
    counts[typeof git === "string" ? "merged" : "conflicts"]++;
  }
  expect(counts.merged).toBeGreaterThan(50);
  expect(counts.conflicts).toBeGreaterThan(50);
});
