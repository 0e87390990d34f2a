// Runs every public method of E2B's SDKs, and every command of its command line, against servers here, and prints
// method × version × result.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { microvm } from "@emberbox/microvm";
import { type EmberboxServer, serve } from "@emberbox/server";
import { NoEnvironment, pythonWith, versionOf } from "../python/environment.ts";
import { CLI_VERSION, installCli, NoCli } from "../support/cli.ts";
import { startServed } from "../support/served.ts";
import { tryCommand } from "./cli-method.ts";
import { cliMethods } from "./cli-methods.ts";
import { methods } from "./methods.ts";
import { callPythonMethods, expectedOfPython } from "./python.ts";
import { expectedOf, openSession, type Outcome } from "./run.ts";
import { openServers } from "./servers.ts";
import { versions } from "./versions.ts";

const directory = mkdtempSync(join(tmpdir(), "emberbox-table-"));
const provider = microvm({ onProgress: (step) => console.error(step) });
const { capabilities } = provider;
const running: EmberboxServer[] = [];
const signs: Record<Outcome["result"], string> = {
  works: "✓",
  unimplemented: "–",
  fails: "✗",
  absent: "none",
};
const failures: string[] = [];
/** The results of each version, by the method's name. */
const columns = new Map<string, Map<string, Outcome["result"]>>();

function note(version: string, name: string, outcome: Outcome, expected: Outcome["result"]): void {
  if (!columns.has(version)) columns.set(version, new Map());
  columns.get(version)!.set(name, outcome.result);
  if (outcome.result !== expected && outcome.result !== "absent")
    failures.push(`${name} of ${version}: ${outcome.result}: ${String(outcome.error)}`);
}

async function tryJavaScript(): Promise<void> {
  const servers = await openServers(async (options) => {
    const stateDirectory = join(directory, `${running.length}`);
    running.push(await serve({ provider, port: 0, stateDirectory, ...options }));
    return running.at(-1)!;
  });
  for (const [version, way, sdk] of versions) {
    console.error(`${version}, by ${way}`);
    await using session = await openSession(sdk, servers[way]);
    for (const method of methods)
      note(version, method.name, await session.try(method), expectedOf(method, capabilities));
  }
}

type Variables = Readonly<Record<string, string>>;

async function tryPython(variables: Variables): Promise<void> {
  for (const requirements of ["requirements.txt", "requirements-old.txt"] as const) {
    const version = `Python ${versionOf("e2b", requirements)}`;
    console.error(version);
    const python = await pythonWith(requirements);
    for (const outcome of await callPythonMethods(python, variables))
      note(version, outcome.method, outcome, expectedOfPython(outcome.method, capabilities));
  }
}

async function tryCli(variables: Variables): Promise<void> {
  const version = `CLI ${CLI_VERSION}`;
  console.error(version);
  const program = await installCli(join(directory, "cli"));
  const context = { program, variables, directory: mkdtempSync(join(directory, "home-")) };
  for (const method of cliMethods) {
    if (method.needs !== undefined && !capabilities[method.needs]) continue;
    const outcome = await tryCommand(method, context).then(
      (): Outcome => ({ result: "works" }),
      (error: unknown): Outcome => ({ result: "fails", error }),
    );
    note(version, method.name, outcome, "works");
  }
}

/** Says loudly what is passed over, where a registry does not answer. */
async function orSkip(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof NoEnvironment) && !(error instanceof NoCli)) throw error;
    console.error(`SKIPPED: ${error.message}`);
  }
}

try {
  await tryJavaScript();
  // Python's programs and the command line get what `emberbox serve` prints.
  const served = await startServed(join(directory, "served"), "--tls-self-signed");
  try {
    await orSkip(tryPython(served.variables));
    await orSkip(tryCli(served.variables));
  } finally {
    await served.end();
  }
  const heads = [...columns.keys()];
  const names = new Set(heads.flatMap((head) => Array.from(columns.get(head)!.keys())));
  console.log(`| method | ${heads.join(" | ")} |\n|---|${heads.map(() => ":-:|").join("")}`);
  for (const name of names) {
    const cells = heads.map((head) => columns.get(head)!.get(name));
    const row = cells.map((result) => (result === undefined ? "" : signs[result]));
    console.log(`| \`${name}\` | ${row.join(" | ")} |`);
  }
  console.log(
    "\n✓ works, – answered as unimplemented, ✗ fails, none: not in this SDK; else not asked",
  );
  for (const failure of failures) console.error(failure);
  if (failures.length > 0) process.exitCode = 1;
} finally {
  for (const server of running) await server.close();
  await provider[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
}
