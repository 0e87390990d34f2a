import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

test("the example in the README is the one that runs", () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const [, file, text] = /<!-- source: (\S+) -->\s*```ts\n([\s\S]*?)```/.exec(readme)!;
  expect(text).toBe(readFileSync(new URL(`../../../${file}`, import.meta.url), "utf8"));
});
