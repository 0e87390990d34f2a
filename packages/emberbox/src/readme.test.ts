import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../../..");
const marked = /<!-- source: (\S+) -->\s*```\w+\n([\s\S]*?)```/g;

const snippets = [...readFileSync(join(root, "README.md"), "utf8").matchAll(marked)];

test("the README has snippets that come from examples", () => {
  expect(snippets.length).toBeGreaterThan(0);
});

test.each(snippets.map(([, file, text]) => ({ file: file!, text: text! })))(
  "the README's snippet is what $file holds",
  ({ file, text }) => {
    expect(text).toBe(readFileSync(join(root, file), "utf8"));
  },
);
