import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as deepagents from "./deepagents/index.ts";
import * as root from "./index.ts";
import * as middleware from "./middleware/index.ts";
import * as native from "./native/index.ts";

test.each([
  ["./index.ts", root, "../api.txt"],
  ["./middleware/index.ts", middleware, "../api-middleware.txt"],
  ["./deepagents/index.ts", deepagents, "../api-deepagents.txt"],
  ["./native/index.ts", native, "../api-native.txt"],
])("the public names of %s are the agreed ones", async (file, api, snapshot) => {
  const source = readFileSync(new URL(file, import.meta.url), "utf8");
  const groups = [...source.matchAll(/export (?:type )?\{([^}]*)\}/g)];
  const names = groups
    .flatMap(([, list]) => list!.split(",").map((name) => name.trim()))
    .filter(Boolean);
  expect(names.length).toBeLessThanOrEqual(5);
  expect(Object.keys(api).every((name) => names.includes(name))).toBe(true);
  await expect(`${names.toSorted().join("\n")}\n`).toMatchFileSnapshot(snapshot);
});
