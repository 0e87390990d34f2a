import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { ratioTo, readEarlier } from "./compare.ts";
import { type BenchId, type BenchReport, summarize } from "./results.ts";
import { formatTable } from "./table.ts";

const directory = mkdtempSync(join(tmpdir(), "emberbox-compare-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const machine = { cpu: "some", cores: 2, memoryGB: 8, kernel: "6.1", qemu: "7.2.22", load: 0.1 };
function reportOf(medians: Partial<Record<BenchId, number>>, load = 0.1): BenchReport {
  const samples = new Map(
    Object.entries(medians).map(([id, median]) => [id as BenchId, [median]] as const),
  );
  const results = summarize(samples, new Map());
  return { machine: { ...machine, load }, accelerator: "tcg", results };
}
const written = (content: unknown): string => {
  const file = join(directory, "earlier.json");
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
  return file;
};

test("durations are compared as multiples of the host's import, the rest as it is", async () => {
  const earlier = await readEarlier(
    written(reportOf({ host_import: 400, command: 40, upload: 20 })),
  );
  const { results } = reportOf({ host_import: 800, command: 40, upload: 60, tti: 5 });
  expect(ratioTo(earlier, results, "command")).toBe(0.5);
  expect(ratioTo(earlier, results, "upload")).toBe(3);
  expect(ratioTo(earlier, results, "host_import")).toBe(2);
  expect(ratioTo(earlier, results, "tti")).toBeUndefined();
  expect(ratioTo(earlier, results, "pause")).toBeUndefined();
});

test("the table has a column for it", async () => {
  const earlier = await readEarlier(written(reportOf({ command: 40 })));
  const table = formatTable(reportOf({ command: 20, upload: 60 }), earlier);
  expect(table).toMatch(/\| to earlier \|/);
  expect(table).toMatch(/\| command .*\| 0\.5 × +\|/);
  expect(table).toMatch(/\| upload .*\| - +\|/);
  expect(formatTable(reportOf({ command: 20 }))).not.toContain("to earlier");
});

test("a table of a busy machine says so", () => {
  expect(formatTable(reportOf({ command: 20 }, 1.7))).toMatch(/busy.*1\.7 programs.*2 cores/);
  expect(formatTable(reportOf({ command: 20 }, 0.2))).not.toContain("busy");
});

test.each([
  ["no such file", () => join(directory, "missing"), /missing cannot be read/],
  ["no JSON", () => written("| id |"), /is not what `emberbox bench --json` printed/],
])("a file that is not a report is refused: %s", async (_what, file, reason) => {
  await expect(readEarlier(file())).rejects.toThrow(reason);
});
