import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { leaveExample } from "./leave-example.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "emberbox-test-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

const read = (name: string): string => readFileSync(join(directory, name), "utf8");
const example = readFileSync(join(import.meta.dirname, "../../../../examples/first.ts"), "utf8");

test("the example is left as it is in the repository", () => {
  expect(leaveExample(directory)).toMatch(
    /^wrote first\.ts, .*: npm install emberbox && node .*first\.ts$/,
  );
  expect(read("first.ts")).toBe(example);
});

test("a file that is there is not touched", () => {
  writeFileSync(join(directory, "first.ts"), "mine");
  expect(leaveExample(directory)).toMatch("first.ts was here before");
  expect(read("first.ts")).toBe("mine");
});

test("in a CommonJS project its name says that it is a module", () => {
  writeFileSync(join(directory, "package.json"), '{ "type": "commonjs" }');
  expect(leaveExample(directory)).toMatch(/^wrote first\.mts/);
  expect(read("first.mts")).toBe(example);
});
