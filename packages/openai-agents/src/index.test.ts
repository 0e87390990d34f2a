import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as api from "./index.ts";

test("the public names are the agreed ones", async () => {
  const source = readFileSync(new URL("./index.ts", import.meta.url), "utf8");
  const groups = [...source.matchAll(/export (?:type )?\{([^}]*)\}/g)];
  const names = groups
    .flatMap(([, list]) => list!.split(",").map((name) => name.trim()))
    .filter(Boolean);
  expect(Object.keys(api).every((name) => names.includes(name))).toBe(true);
  await expect(`${names.toSorted().join("\n")}\n`).toMatchFileSnapshot("../api.txt");
});
