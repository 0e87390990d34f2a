// Runs every public method of E2B's SDKs against a server here, and prints method × version × result.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { microvm } from "@emberbox/microvm";
import { type EmberboxServer, serve } from "@emberbox/server";
import { methods } from "./methods.ts";
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
  const columns: Outcome["result"][][] = [];
  for (const [version, way, sdk] of versions) {
    console.error(`${version}, by ${way}`);
    await using session = await openSession(sdk, servers[way]);
    const column: Outcome["result"][] = [];
    for (const method of methods) {
      const { result, error } = await session.try(method);
      column.push(result);
      if (result !== expectedOf(method, provider.capabilities))
        failures.push(`${method.name} of ${version}: ${result}: ${String(error)}`);
    }
    columns.push(column);
  }
  const heads = versions.map(([version]) => version);
  console.log(`| method | ${heads.join(" | ")} |\n|---|${heads.map(() => ":-:|").join("")}`);
  for (const [index, { name }] of methods.entries())
    console.log(`| \`${name}\` | ${columns.map((column) => signs[column[index]!]).join(" | ")} |`);
  console.log("\n✓ works, – answered as unimplemented, ✗ fails");
  for (const failure of failures) console.error(failure);
  if (failures.length > 0) process.exitCode = 1;
} finally {
  for (const server of running) await server.close();
  await provider[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
}
