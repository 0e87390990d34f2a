import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const packages = join(import.meta.dirname, "../..");
const adapters = new Set(["ai-sdk", "langchain", "mcp", "openai-agents"]);

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

/** A module's own list, with its types; and what it passes on from another package. */
async function namesOf(file: string): Promise<string[]> {
  const listed = [...readFileSync(file, "utf8").matchAll(/export (?:type )?\{([^}]*)\}/g)]
    .flatMap(([, list]) => list!.split(","))
    .map((name) => name.trim().replace(/^(?:type |.* as )/, ""))
    .filter(Boolean);
  return [...new Set([...listed, ...Object.keys(await import(file))])].toSorted();
}

test.each(entries)("the public names of %s's %s are the agreed ones", async (name, entry, file) => {
  const names = await namesOf(join(packages, name, file));
  if (adapters.has(name))
    expect(Object.keys(await import(join(packages, name, file))).length).toBeLessThanOrEqual(5);
  const suffix = entry === "." ? "" : `-${entry.slice(2)}`;
  await expect(`${names.join("\n")}\n`).toMatchFileSnapshot(
    join(packages, name, `api${suffix}.txt`),
  );
});
