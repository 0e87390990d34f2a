import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "..");
const read = (file: string): string => readFileSync(join(root, file), "utf8");
/** What contributors read. Paths in it begin at the root, or in `packages`. */
const pages = ["CONTRIBUTING.md", "docs/recipes.md"];

/** A path, or a pattern of paths: some words with slashes between them, or the name of a file at the root. */
const path = /^[\w.*@-]+(?:\/[\w.*@-]+)+\/?$|^\.?[\w-]+\.(?:json|md|ts|yaml)$/;
const placeholder = /\bNAME\b/;

function pathsIn(page: string): string[] {
  const text = read(page);
  const quoted = [...text.matchAll(/`([^`\n]+)`/g)].flatMap(([, code]) => code!.split(" "));
  const fenced = [...text.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, code]) =>
    code!.split(/\s+/).filter((word) => word.includes(".")),
  );
  const found = [...quoted, ...fenced].filter(
    (word) => path.test(word) && !word.startsWith("@") && !placeholder.test(word),
  );
  return [...new Set(found)];
}

function linksIn(page: string): string[] {
  const text = read(page);
  return [...text.matchAll(/\]\((?!https?:)([^)#\s]+)/g)].map(([, link]) => link!);
}

const exists = (pattern: string): boolean => globSync(pattern, { cwd: root }).length > 0;

test.each(pages)("%s names paths that exist", (page) => {
  const paths = pathsIn(page);
  expect(paths.length).toBeGreaterThan(5);
  const missing = paths.filter((each) => !exists(each) && !exists(join("packages", each)));
  expect(missing).toEqual([]);
});

test.each(pages)("%s links to what exists", (page) => {
  const missing = linksIn(page).filter((link) => !exists(join(dirname(page), link)));
  expect(missing).toEqual([]);
});
