/** Runs the unit tests of the guest's Python with pytest, once, and reports each of them as a test of its own. */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findPython, guest, isRequired } from "./tools.ts";

interface Outcome {
  readonly name: string;
  readonly outcome: "passed" | "failed" | "skipped";
  readonly text: string;
}

interface Run {
  readonly status: unknown;
  readonly output: string;
  readonly outcomes: readonly Outcome[];
}

async function runPytest(python: string): Promise<Run> {
  const directory = mkdtempSync(join(tmpdir(), "emberbox-pytest-"));
  const file = join(directory, "outcomes");
  try {
    const env = { ...process.env, EMBERBOX_OUTCOMES: file };
    const { status, output } = await new Promise<Omit<Run, "outcomes">>((resolve) =>
      execFile(python, ["-m", "pytest", "-q"], { cwd: guest, env }, (error, stdout, stderr) =>
        resolve({ status: error?.code ?? error?.signal ?? 0, output: stdout + stderr }),
      ),
    );
    const lines = existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
    const outcomes = lines.map((line) => JSON.parse(line) as Outcome);
    return { status, output, outcomes };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const found = findPython("pytest");
if ("lacking" in found) {
  test.skipIf(!isRequired)(`SKIPPED: ${found.lacking}`, () => expect.unreachable(found.lacking));
} else {
  const { status, output, outcomes } = await runPytest(found.python);

  test("pytest runs every file", () => {
    // 1 means that a test failed, which is shown below.
    if (status !== 0 && status !== 1) throw new Error(`pytest ended with ${status}\n${output}`);
    expect(outcomes).not.toEqual([]);
  });

  for (const { name, outcome, text } of outcomes) {
    const isSkipped = outcome === "skipped";
    test.skipIf(isSkipped)(`packages/guest/${name}${isSkipped ? `: ${text}` : ""}`, () => {
      if (outcome === "failed") throw new Error(text);
    });
  }
}
