import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../../..");
const pages = [
  "README.md",
  ...readdirSync(join(root, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
  ...readdirSync(join(root, "packages")).map((name) => `packages/${name}/README.md`),
];
const marked = /<!-- source: (\S+) -->\s*```\w+\n([\s\S]*?)```/g;

const snippets = pages.flatMap((page) =>
  [...read(page).matchAll(marked)].map(([, file, text]) => ({ page, file: file!, text: text! })),
);

function read(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

test.each(["README.md", "docs/code-interpreter.md"])("%s has snippets of examples", (page) => {
  expect(snippets.some((snippet) => snippet.page === page)).toBe(true);
});

test.each(pages)("every piece of TypeScript on %s says where it is from", (page) => {
  const pieces = read(page).split("```ts\n").length - 1;
  expect(snippets.filter((snippet) => snippet.page === page)).toHaveLength(pieces);
});

test.each(snippets)("the snippet on $page is in $file", ({ page, file, text }) => {
  // Whole lines, unchanged.
  expect(`\n${read(file)}`).toContain(`\n${text}`);
  if (page === "README.md") expect(text).toBe(read(file));
});
