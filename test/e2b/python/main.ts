// Runs every Python example against `emberbox serve`, and prints a line for each. With `--old`, those that need only
// E2B's packages, with the pair of them that many guides pin. Names given as arguments choose some of them.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startServed } from "../support/served.ts";
import { NoEnvironment, pythonWith, versionOf } from "./environment.ts";
import { findPythonExamples, missingPackage, runPythonExample } from "./examples.ts";

const isOld = process.argv.includes("--old");
const wanted = process.argv.slice(2).filter((each) => each !== "--old");
const requirements = isOld ? "requirements-old.txt" : "requirements.txt";
const names = findPythonExamples().filter((name) => wanted.every((part) => name.includes(part)));
const width = Math.max(0, ...names.map((name) => name.length));

const interrupt = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.once(signal, () => interrupt.abort(new Error(`interrupted by ${signal}`)));
const { signal } = interrupt;

const state = mkdtempSync(join(tmpdir(), "emberbox-python-"));
try {
  const python = await pythonWith(requirements, signal);
  // The old code interpreter finds sandboxes by their names only, which takes TLS.
  const served = await startServed(state, ...(isOld ? ["--tls-self-signed"] : []));
  try {
    let ran = 0;
    let failed = 0;
    for (const name of names) {
      const missing = missingPackage(name, requirements);
      if (missing !== undefined) {
        console.log(
          `- ${name.padEnd(width)}            skipped: ${requirements} has no ${missing}`,
        );
        continue;
      }
      const { ok, outcome, seconds, output } = await runPythonExample(
        ...[python, name, served.variables, signal],
      );
      signal.throwIfAborted();
      ran += 1;
      if (!ok) failed += 1;
      if (!ok) console.log(output);
      const time = `${seconds.toFixed(1).padStart(6)} s`;
      console.log(`${ok ? "✓" : "✗"} ${name.padEnd(width)}  ${time}  ${outcome}`);
    }
    const versions = ["e2b", "e2b-code-interpreter"].map(
      (name) => `${name} ${versionOf(name, requirements)}`,
    );
    console.log(`${ran - failed} of ${ran} examples ended well, with ${versions.join(" and ")}`);
    if (failed > 0 || ran === 0) process.exitCode = 1;
  } finally {
    await served.end();
  }
} catch (error) {
  if (!(error instanceof NoEnvironment) && !signal.aborted) throw error;
  console.error(`NOT RUN: ${(error as Error).message}`);
  // Another code than that of an example which fails.
  process.exitCode = signal.aborted ? 130 : 3;
} finally {
  rmSync(state, { recursive: true, force: true });
}
