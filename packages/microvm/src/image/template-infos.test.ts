import { readFileSync } from "node:fs";
import { templatesOf } from "@emberbox/core/provider";
import { expect, test } from "vitest";
import { microvm } from "../provider/provider.ts";
import { readyInfos } from "../ready/index.ts";
import { recipes, type TemplateName } from "./recipe.ts";

/** Debian's package of a library. */
const packageOf: Readonly<Record<string, (library: string) => string>> = {
  python: (library) => `python3-${library === "scikit-learn" ? "sklearn" : library}`,
  r: (library) => `r-cran-${library}`,
};

test("what a template is said to have is in its recipe", async () => {
  await using provider = microvm();
  const templates = templatesOf(provider);
  expect(templates.map(({ name }) => name)).toEqual([
    ...Object.keys(recipes),
    // The default one, to which a program is added when a sandbox is created.
    "mcp-gateway",
    ...readyInfos.map(({ name }) => name),
  ]);
  for (const { name, languages, libraries, system } of templates) {
    if (readyInfos.some((ready) => ready.name === name)) continue;
    const { packages, name: image } =
      recipes[name === "mcp-gateway" ? "default" : (name as TemplateName)];
    expect(image).toMatch(system!.toLowerCase().replace(" ", "-"));
    for (const [language, names] of Object.entries(libraries)) {
      expect(languages).toContain(language);
      expect(packages).toEqual(expect.arrayContaining(names.map(packageOf[language]!)));
    }
  }
});

test("the guide to templates names all that is installed", () => {
  const guide = readFileSync(new URL("../../../../docs/templates.md", import.meta.url), "utf8");
  const named = guide
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .flatMap((line) => [...line.matchAll(/`([^`]+)`/g)].map(([, name]) => name));
  const releases = [recipes["debian-12"], recipes["debian-13"]];
  const installed = new Set(releases.flatMap(({ packages }) => packages));
  // The kernel's package is removed from the image when the kernel has been taken out of it.
  installed.delete("linux-image-cloud-amd64");
  expect(named.toSorted()).toEqual([...installed].toSorted());
});
