import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const packages = join(import.meta.dirname, "../..");
const adapters = new Set(["ai-sdk", "langchain", "mcp", "openai-agents"]);
/** The most names, types among them, that an entry point of these may have. */
const limits: Readonly<Record<string, number>> = {
  "core .": 45,
  "langchain .": 5,
  "langchain ./middleware": 5,
  "langchain ./deepagents": 5,
  "langchain ./native": 5,
};

interface Manifest {
  readonly private?: boolean;
  readonly exports: Readonly<Record<string, string | { readonly "@emberbox/source": string }>>;
}

/** Every entry point of every package that is published: [package, entry, source file]. */
const entries = readdirSync(packages).flatMap((name) => {
  const manifest = JSON.parse(readFileSync(join(packages, name, "package.json"), "utf8"));
  const { private: isPrivate, exports } = manifest as Manifest;
  return Object.entries(isPrivate ? {} : exports).flatMap(([entry, target]) =>
    typeof target === "string" ? [] : [[name, entry, target["@emberbox/source"]] as const],
  );
});

/** A module's own list, with its types. */
function listedIn(file: string): string[] {
  return [...readFileSync(file, "utf8").matchAll(/export (?:type )?\{([^}]*)\}/g)]
    .flatMap(([, list]) => list!.split(","))
    .map((name) => name.trim().replace(/^(?:type |.* as )/, ""))
    .filter(Boolean);
}

test.each(entries)("the public names of %s's %s are the agreed ones", async (name, entry, file) => {
  const path = join(packages, name, file);
  const listed = listedIn(path);
  const values = Object.keys(await import(path));
  // An `index.ts` has a list, and nothing beside it.
  if (file.endsWith("/index.ts")) expect(listed).toEqual(expect.arrayContaining(values));
  const names = [...new Set([...listed, ...values])].toSorted();
  expect(names.length).toBeLessThanOrEqual(limits[`${name} ${entry}`] ?? Infinity);
  if (adapters.has(name)) expect(values.length).toBeLessThanOrEqual(5);
  const suffix = entry === "." ? "" : `-${entry.slice(2)}`;
  await expect(`${names.join("\n")}\n`).toMatchFileSnapshot(
    join(packages, name, `api${suffix}.txt`),
  );
});
