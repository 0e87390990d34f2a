// Runs every public method of E2B's SDKs against a server here, and prints method × version × result.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { microvm } from "@emberbox/microvm";
import { type EmberboxServer, serve } from "@emberbox/server";
import { NoEnvironment, pythonWith, versionOf } from "../python/environment.ts";
import { methods } from "./methods.ts";
import { callPythonMethods, expectedOfPython } from "./python.ts";
import { expectedOf, openSession, type Outcome } from "./run.ts";
import { openServers } from "./servers.ts";
import { versions } from "./versions.ts";

const directory = mkdtempSync(join(tmpdir(), "emberbox-table-"));
const provider = microvm({ onProgress: (step) => console.error(step) });
const running: EmberboxServer[] = [];
const signs: Record<Outcome["result"], string> = {
  works: "✓",
  unimplemented: "–",
  fails: "✗",
};
const failures: string[] = [];
try {
  const servers = await openServers(async (options) => {
    const stateDirectory = join(directory, `${running.length}`);
    running.push(await serve({ provider, port: 0, stateDirectory, ...options }));
    return running.at(-1)!;
  });
  /** The results of each version, by the method's name. */
  const columns = new Map<string, Map<string, Outcome["result"]>>();
  const note = (version: string, name: string, outcome: Outcome, expected: Outcome["result"]) => {
    if (!columns.has(version)) columns.set(version, new Map());
    columns.get(version)!.set(name, outcome.result);
    if (outcome.result !== expected)
      failures.push(`${name} of ${version}: ${outcome.result}: ${String(outcome.error)}`);
  };
  for (const [version, way, sdk] of versions) {
    console.error(`${version}, by ${way}`);
    await using session = await openSession(sdk, servers[way]);
    for (const method of methods) {
      const outcome = await session.try(method);
      note(version, method.name, outcome, expectedOf(method, provider.capabilities));
    }
  }
  try {
    const version = `Python ${versionOf("e2b", "requirements.txt")}`;
    const python = await pythonWith("requirements.txt");
    console.error(`${version}, by url`);
    for (const outcome of await callPythonMethods(python, servers.url))
      note(
        version,
        outcome.method,
        outcome,
        expectedOfPython(outcome.method, provider.capabilities),
      );
  } catch (error) {
    if (!(error instanceof NoEnvironment)) throw error;
    console.error(`SKIPPED: Python: ${error.message}`);
  }
  const heads = [...columns.keys()];
  const names = new Set(heads.flatMap((head) => Array.from(columns.get(head)!.keys())));
  console.log(`| method | ${heads.join(" | ")} |\n|---|${heads.map(() => ":-:|").join("")}`);
  for (const name of names) {
    const cells = heads.map((head) => columns.get(head)!.get(name));
    // What an SDK does not have stays empty.
    const row = cells.map((result) => (result === undefined ? "" : signs[result]));
    console.log(`| \`${name}\` | ${row.join(" | ")} |`);
  }
  console.log("\n✓ works, – answered as unimplemented, ✗ fails; empty where an SDK has it not");
  for (const failure of failures) console.error(failure);
  if (failures.length > 0) process.exitCode = 1;
} finally {
  for (const server of running) await server.close();
  await provider[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
}
