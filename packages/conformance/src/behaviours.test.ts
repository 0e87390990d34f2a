import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { behaviours } from "./behaviours.ts";

const root = new URL("../../../", import.meta.url);
const suites = new URL("./suites/", import.meta.url);
const cited = readdirSync(suites).flatMap((file) => {
  const source = readFileSync(new URL(file, suites), "utf8");
  return [...source.matchAll(/behaviour\(\s*"([^"]+)"/g)].map(([, id]) => id!);
});

test("each behaviour is cited by one test", () => {
  const inSuite = Object.entries(behaviours).filter(([, { shownBy }]) => shownBy === undefined);
  expect(cited.toSorted()).toEqual(inSuite.map(([id]) => id).toSorted());
});

for (const [id, { shownBy }] of Object.entries(behaviours)) {
  if (shownBy === undefined) continue;
  test(`${id} is shown by "${shownBy.test}" in ${shownBy.file}`, () => {
    const source = readFileSync(new URL(shownBy.file, root), "utf8");
    // As the start of the name of a test or group, not in a comment or another string.
    const name = shownBy.test.replaceAll(/[^\w\s]/g, String.raw`\$&`);
    expect(source).toMatch(new RegExp(`[\\w)]\\(\\s*["'\`]${name}`));
  });
}
