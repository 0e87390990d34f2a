import { expect, test } from "vitest";
import { globRegex } from "./glob-regex.ts";

test.each([
  ["*.txt", "[^/]*\\.txt"],
  ["**/*.ts", "(.*/)?[^/]*\\.ts"],
  ["src/**", "src/.*"],
  ["a?c", "a[^/]c"],
  ["[!x]y[1-3]", "[^x]y[1-3]"],
  ["[]a]", "[]a]"],
  ["*.{js,ts}", "[^/]*\\.(js|ts)"],
  ["{a,b", "\\{a,b"],
  ["a[b", "a\\[b"],
  ["\\*(x)+$", "\\*\\(x\\)\\+\\$"],
])("%s", (glob, regex) => {
  expect(globRegex(glob)).toBe(regex);
});
