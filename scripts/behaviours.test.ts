import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { behaviours } from "@emberbox/conformance";
import { expect, test } from "vitest";
import { type Assertion, behaviourTable, suiteFiles } from "./behaviours.ts";

const root = join(import.meta.dirname, "..");
const read = (file: string): string => readFileSync(join(root, file), "utf8");

/** Packages that build something on core's tools. */
const adapters = globSync("packages/*/src/**/*.ts", { cwd: root })
  .filter((file) => /\bSandboxTools\b[^;]*from "@emberbox\/core\/tools"/.test(read(file)))
  .map((file) => file.split("/")[1]!);

test.each([...new Set(adapters)])("%s is put through the behaviours of the tools", (name) => {
  expect(
    suiteFiles().some(
      (file) => file.startsWith(`packages/${name}/`) || read(file).includes(`"@emberbox/${name}"`),
    ),
  ).toBe(true);
});

const ids = Object.keys(behaviours).filter((id) => id.startsWith("tools."));
const passed: Assertion[] = ids.map((id) => {
  const { holds, shownBy } = behaviours[id]!;
  return shownBy === undefined
    ? { ancestorTitles: ["one: a sandbox"], title: `${id}: a sandbox ${holds}`, status: "passed" }
    : { ancestorTitles: ["tools"], title: shownBy.test, status: "passed" };
});
const cellOf = (results: readonly Assertion[], wanted: string) =>
  behaviourTable(results).rows.find(({ id }) => id === wanted)!.cells[0];

test("every behaviour has a row, and a cell for each adapter", () => {
  const { adapters, rows, reasons, ok } = behaviourTable(passed);
  expect(adapters).toEqual(["one"]);
  expect(rows.map(({ id }) => id)).toEqual(ids);
  expect(rows.every(({ cells }) => cells.length === 1 && cells[0] !== "")).toBe(true);
  expect(reasons).toEqual(["core does it for every adapter: its test passed"]);
  expect(ok).toBe(true);
});

test("what failed, was skipped or is missing is no pass", () => {
  const [first, ...others] = passed;
  for (const results of [
    [{ ...first!, status: "failed" }, ...others],
    [{ ...first!, status: "skipped" }, ...others],
    others,
    passed.filter(({ ancestorTitles }) => ancestorTitles[0] !== "tools"),
    [],
  ]) {
    expect(behaviourTable(results).ok).toBe(false);
  }
  expect(cellOf(others, ids[0]!)).toBe("✗");
});

test("an adapter without a behaviour says why", () => {
  const [first, ...others] = passed;
  const title = `${first!.title} (skipped: no streams there)`;
  const results = [{ ...first!, title, status: "skipped" }, ...others];
  expect(cellOf(results, ids[0]!)).toBe("(1)");
  expect(behaviourTable(results).reasons[0]).toBe("one: no streams there");
});
