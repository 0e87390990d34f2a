import { DatabaseSync } from "node:sqlite";
import type { SandboxProvider } from "@emberbox/core/provider";
import { expect, test } from "vitest";
import { openBuildRows } from "./builds/rows.ts";
import { prepareTables } from "./schema.ts";
import { Templates } from "./templates.ts";

function knownOf(provider: SandboxProvider, isShared = false): Templates {
  const database = new DatabaseSync(":memory:");
  prepareTables(database);
  return new Templates(provider, openBuildRows(database, "here"), isShared);
}

const templates = ["default", "science"].map((name) => ({ name, languages: [], libraries: {} }));
const known = knownOf({
  templates: () => templates,
  templateSizes: async () => ({ science: 5 }),
} as unknown as SandboxProvider);

test("the templates are the provider's, by its names and by E2B's", () => {
  for (const name of ["science", "science:default", "base", "code-interpreter-v1"])
    expect(known.has(name)).toBe(true);
  expect(["science:default", "base", "snap:default"].map((name) => known.resolve(name))).toEqual([
    "science",
    "default",
    "snap:default",
  ]);
  expect(known.has("r")).toBe(false);
});

test("each is listed once, with all its names, and its size if it is there", async () => {
  expect(await known.all()).toMatchObject([
    { name: "default", aliases: ["base", "code-interpreter-v1"], sizeBytes: undefined },
    { name: "science", aliases: [], sizeBytes: 5 },
  ]);
});

test("a provider that names none has the default one", () => {
  const silent = knownOf({} as SandboxProvider);
  expect([silent.has("base"), silent.has("science")]).toEqual([true, false]);
});
