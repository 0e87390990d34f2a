// Runs the shared behaviours of the tools through every adapter and prints one table. Arguments choose test files by
// name. The test run's own output goes to standard error.
import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { behaviours } from "@emberbox/conformance";

const root = join(import.meta.dirname, "..");
const SUITE = ": a sandbox";

/** Test files that run something through the tools' suite. */
export function suiteFiles(): string[] {
  return globSync(["test/**/*.test.ts", "packages/*/test/**/*.test.ts"], { cwd: root })
    .filter((file) => !file.includes("node_modules"))
    .filter((file) => /\bdescribeTools\(/.test(readFileSync(join(root, file), "utf8")))
    .toSorted();
}

/** A test's result, as vitest's JSON reporter gives it. */
export interface Assertion {
  readonly ancestorTitles: readonly string[];
  readonly title: string;
  readonly status: string;
}

export interface BehaviourTable {
  readonly adapters: readonly string[];
  /** One per behaviour, with a cell for each adapter. */
  readonly rows: readonly { readonly id: string; readonly cells: readonly string[] }[];
  /** Why a cell is neither passed nor failed, by the mark in it. */
  readonly reasons: readonly string[];
  readonly ok: boolean;
}

/** How the suite names what an adapter does not support. */
const SKIPPED = / \(skipped: (.*)\)$/;
const PASSED = "✓";
const FAILED = "✗";
const NOT_RUN = "its test was not run";

/** Arranges results in a table. What did not run has not passed, whatever the reason. */
export function behaviourTable(results: readonly Assertion[]): BehaviourTable {
  const suites = results.flatMap(({ ancestorTitles: [suite] }) =>
    suite?.endsWith(SUITE) ? [suite.slice(0, -SUITE.length)] : [],
  );
  const adapters = [...new Set(suites)];
  const reasons: string[] = [];
  const because = (reason: string): string => {
    if (!reasons.includes(reason)) reasons.push(reason);
    return `(${reasons.indexOf(reason) + 1})`;
  };
  const shared = (id: string, adapter: string): string => {
    const found = results.find(
      ({ ancestorTitles: [suite], title }) =>
        suite === adapter + SUITE && title.startsWith(`${id}${SUITE} `),
    );
    if (found === undefined) return FAILED;
    const without = SKIPPED.exec(found.title)?.[1];
    if (without !== undefined) return because(`${adapter}: ${without}`);
    return found.status === "passed" ? PASSED : FAILED;
  };
  const ofCore = (test: string): string => {
    const found = results.filter(({ ancestorTitles, title }) =>
      [...ancestorTitles, title].some((name) => name.includes(test)),
    );
    const passed = found.every(({ status }) => status === "passed");
    const outcome = found.length === 0 ? NOT_RUN : passed ? "its test passed" : "its test failed";
    return because(`core does it for every adapter: ${outcome}`);
  };
  const rows = Object.entries(behaviours)
    .filter(([id]) => id.startsWith("tools."))
    .map(([id, { shownBy }]) => {
      const cell = shownBy && ofCore(shownBy.test);
      return { id, cells: adapters.map((adapter) => cell ?? shared(id, adapter)) };
    });
  const failed = rows.some(({ cells }) => cells.includes(FAILED));
  const doubtful = reasons.some((reason) => reason.endsWith("failed") || reason.endsWith(NOT_RUN));
  const ok = adapters.length > 0 && !failed && !doubtful;
  return { adapters, rows, reasons, ok };
}

function format({ adapters, rows, reasons }: BehaviourTable): string {
  const width = Math.max(...rows.map(({ id }) => id.length));
  const line = (first: string, cells: readonly string[]): string =>
    [first.padEnd(width), ...cells.map((cell, at) => cell.padEnd(adapters[at]!.length))]
      .join("  ")
      .trimEnd();
  return [
    line("", adapters),
    ...rows.map(({ id, cells }) => line(id, cells)),
    "",
    ...reasons.map((reason, at) => `(${at + 1}) ${reason}`),
    "",
  ].join("\n");
}

/** Only the tests of the tools' behaviours: the files have others too. */
function namePattern(): string {
  const own = Object.entries(behaviours).flatMap(([id, { shownBy }]) =>
    id.startsWith("tools.") && shownBy ? [shownBy.test] : [],
  );
  return [`${SUITE} > tools\\.`, ...own].join("|");
}

function run(files: readonly string[]): Assertion[] {
  const directory = mkdtempSync(join(tmpdir(), "emberbox-behaviours-"));
  const output = join(directory, "results.json");
  try {
    const vitest = join(root, "node_modules/vitest/vitest.mjs");
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${output}`];
    spawnSync(
      process.execPath,
      [vitest, "run", "--project=machines", ...reporters, "-t", namePattern(), ...files],
      { cwd: root, stdio: ["ignore", 2, 2] },
    );
    const { testResults } = JSON.parse(readFileSync(output, "utf8")) as {
      testResults: { assertionResults: Assertion[] }[];
    };
    return testResults.flatMap(({ assertionResults }) => assertionResults);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const wanted = process.argv.slice(2);
  const files = suiteFiles().filter((file) => wanted.every((name) => file.includes(name)));
  const table = behaviourTable(run(files));
  process.stdout.write(format(table));
  process.exitCode = table.ok ? 0 : 1;
}
