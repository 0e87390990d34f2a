import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "..");
const published = readdirSync(join(root, "packages"))
  .map((name) => join(root, "packages", name))
  .map((folder) => ({ folder, manifest: manifestIn(folder) }))
  .filter(({ manifest }) => manifest.private !== true);

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly license?: string;
  readonly description?: string;
  readonly keywords?: readonly string[];
}

function manifestIn(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
}

test.each(published.map(({ folder, manifest }) => [manifest.name, folder, manifest] as const))(
  "%s says on npm what it is",
  (name, folder, { license, description, keywords }) => {
    expect(license).toBe("Apache-2.0");
    expect(description).toMatch(/^[A-Z].{20,}\.$/);
    expect(keywords).toContain("sandbox");
    expect(readFileSync(join(folder, "README.md"), "utf8")).toMatch(`# ${name}\n`);
  },
);

test("packages are released together, under the licence that is packed with each", () => {
  expect(new Set(published.map(({ manifest }) => manifest.version)).size).toBe(1);
  const changesets = readFileSync(join(root, ".changeset/config.json"), "utf8");
  const { fixed } = JSON.parse(changesets) as { readonly fixed: readonly (readonly string[])[] };
  expect(fixed[0]).toEqual(published.map(({ manifest }) => manifest.name).toSorted());
  expect(existsSync(join(root, "LICENSE"))).toBe(true);
});
