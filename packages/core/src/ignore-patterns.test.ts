import { expect, test } from "vitest";
import { ignorePatterns } from "./ignore-patterns.ts";

test.for<[pattern: string, path: string, isDirectory: boolean, isIgnored: boolean]>([
  ["node_modules", "a/b/node_modules", true, true],
  ["node_modules", "node_modules.txt", false, false],
  ["build/", "a/build", true, true],
  ["build/", "a/build", false, false],
  ["/top", "top", false, true],
  ["/top", "a/top", false, false],
  ["a/b", "a/b", false, true],
  ["a/b", "c/a/b", false, false],
  ["*.log", "deep/down/x.log", false, true],
  ["**/x", "x", false, true],
  ["a/**/z", "a/b/c/z", false, true],
  ["# not", "# not", false, false],
  ["\\#file", "#file", false, true],
  ["\\!file", "!file", false, true],
  ["trailing  ", "trailing", false, true],
  ["  ", "  ", false, false],
  ["[ab].c", "b.c", false, true],
])("of %s, %s: %s", ([pattern, path, isDirectory, isIgnored]) => {
  expect(ignorePatterns([pattern])(path, isDirectory)).toBe(isIgnored);
});

test("the last pattern that fits decides", () => {
  const isIgnored = ignorePatterns(["*.log", "!keep.log", "/keep.log"]);
  expect(isIgnored("x.log", false)).toBe(true);
  expect(isIgnored("a/keep.log", false)).toBe(false);
  expect(isIgnored("keep.log", false)).toBe(true);
});
