import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../../..");
const packages = found("packages/*/package.json").map((file) => dirname(file));
const pages = found("{*.md,docs/*.md,packages/*/README.md}");
const marked = /<!-- source: (\S+) -->\s*```\w+\n([\s\S]*?)```/g;

const snippets = pages.flatMap((page) =>
  [...read(page).matchAll(marked)].map(([, file, text]) => ({ page, file: file!, text: text! })),
);

function found(pattern: string): string[] {
  return globSync(pattern, { cwd: root }).toSorted();
}

function read(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

test.each(["README.md", ...packages.map((folder) => `${folder}/README.md`)])(
  "%s has a first example",
  (page) => {
    expect(snippets.some((snippet) => snippet.page === page)).toBe(true);
  },
);

test.each(pages)("every piece of JavaScript on %s says where it is from", (page) => {
  const pieces = read(page).match(/^ *```(?:[cm]?[jt]sx?|javascript|typescript)\b/gm) ?? [];
  expect(snippets.filter((snippet) => snippet.page === page)).toHaveLength(pieces.length);
});

test.each(snippets)("the snippet on $page is in $file", ({ page, file, text }) => {
  // Whole lines, unchanged.
  expect(`\n${read(file)}`).toContain(`\n${text}`);
  if (page === "README.md") expect(text).toBe(read(file));
});

test.each(snippets)("the snippet on $page needs no stand-in of $file", ({ text }) => {
  // The reader has no script that takes a model's place.
  expect(text).not.toMatch(/^import .*support\/(?!api\.ts)/m);
});

test.each(found("examples/{*,*/*,*/*/*}.ts").filter((file) => !file.includes("node_modules")))(
  "%s runs on Node 22, whose type stripping leaves `using` as it is",
  (file) => {
    expect(read(file)).not.toMatch(/^\s*(?:await )?using \w+/m);
  },
);
