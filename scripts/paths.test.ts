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

/** What a page links to in this repository: [file, heading]. */
function linksIn(page: string): [file: string, anchor: string | undefined][] {
  const links = [...read(page).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)];
  return links.map(([, file, anchor]) => [file ? join(dirname(page), file) : page, anchor]);
}

/** A page's headings, as links name them. */
function anchorsIn(page: string): string[] {
  return [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\w -]/g, "")
      .replaceAll(" ", "-"),
  );
}

const exists = (pattern: string): boolean => globSync(pattern, { cwd: root }).length > 0;

test.each(pages)("%s names paths that exist", (page) => {
  const paths = pathsIn(page);
  expect(paths.length).toBeGreaterThan(5);
  const missing = paths.filter((each) => !exists(each) && !exists(join("packages", each)));
  expect(missing).toEqual([]);
});

test.each(pages)("%s links to what exists", (page) => {
  for (const [file, anchor] of linksIn(page)) {
    expect(exists(file), file).toBe(true);
    if (anchor !== undefined) expect(anchorsIn(file), file).toContain(anchor);
  }
});
