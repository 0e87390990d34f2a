import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "..");
const read = (file: string): string => readFileSync(join(root, file), "utf8");
/** The pages for contributors. Paths in them begin at the root, or in `packages`. */
const pages = ["ARCHITECTURE.md", "CONTRIBUTING.md", "docs/recipes.md"];

/** A path, or a pattern of paths: some words with slashes between them, or the name of a file at the root. */
const path = /^[\w.*@-]+(?:\/[\w.*@-]+)+\/?$|^\.?[\w-]+\.(?:json|md|ts|yaml)$/;
/** Stands for a name of the reader's choice, or is made by a build. */
const notThere = /\bNAME\b|^site\/out\/|\bdist\//;

function pathsIn(page: string): string[] {
  const text = read(page);
  const quoted = [...text.matchAll(/`([^`\n]+)`/g)].flatMap(([, code]) => code!.split(" "));
  const fenced = [...text.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, code]) =>
    code!.split(/\s+/).filter((word) => word.includes(".")),
  );
  const found = [...quoted, ...fenced].filter(
    (word) => path.test(word) && !word.startsWith("@") && !notThere.test(word),
  );
  return [...new Set(found)];
}

/** What a page links to in this repository: [file, heading]. */
function linksIn(page: string): [file: string, anchor: string | undefined][] {
  const links = [...read(page).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)];
  return links.map(([, file, anchor]) => [file ? join(dirname(page), file) : page, anchor]);
}

/** The anchors of a page's headings, as links name them. */
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

test("ARCHITECTURE.md says who may import what, as lint and the manifests do", () => {
  const rows = [...read("ARCHITECTURE.md").matchAll(/^\| `([\w-]+)` +\|[^|]*\|([^|]*)\|$/gm)];
  const said = rows
    .filter(([, name]) => exists(`packages/${name}`))
    .map(([, name, cell]) => [name, [...cell!.matchAll(/`([\w-]+)`/g)].map(([, of]) => of)]);
  const allowed = { ...allowedByLint(), emberbox: dependenciesOf("emberbox") };
  expect(Object.fromEntries(said)).toEqual(allowed);
});

/** Packages whose imports lint restricts, and which of our packages they may import. */
function allowedByLint(): Record<string, string[]> {
  const { overrides } = JSON.parse(read(".oxlintrc.json")) as {
    overrides: { files: string[]; rules: Record<string, unknown> }[];
  };
  return Object.fromEntries(
    overrides.flatMap(({ files, rules }) => {
      const rule = rules["no-restricted-imports"];
      if (!Array.isArray(rule)) return [];
      const { patterns } = rule[1] as { patterns: { group: string[] }[] };
      const names = patterns.flatMap(({ group }) => group).filter((each) => each.startsWith("!"));
      const allowed = names.map((each) => each.replace("!@emberbox/", "")).toSorted();
      return files.flatMap((file) => {
        const name = /^packages\/([\w-]+)\/src\/\*\*$/.exec(file)?.[1];
        return name === undefined ? [] : [[name, allowed] as const];
      });
    }),
  );
}

function dependenciesOf(name: string): string[] {
  const { dependencies } = JSON.parse(read(`packages/${name}/package.json`)) as {
    dependencies: Record<string, string>;
  };
  return Object.keys(dependencies)
    .filter((each) => each.startsWith("@emberbox/"))
    .map((each) => each.replace("@emberbox/", ""))
    .toSorted();
}
