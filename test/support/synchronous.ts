import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

type Calls = Record<string, (...args: unknown[]) => unknown>;

/** What of `work` is synchronous file work of the engine's: each call, with the line that makes it. */
export async function synchronousFileWork(work: () => Promise<unknown>): Promise<string[]> {
  const seen: string[] = [];
  const calls = fs as unknown as Calls;
  const originals = Object.entries(calls).filter(
    ([name, value]) => name.endsWith("Sync") && typeof value === "function",
  );
  for (const [name, original] of originals)
    calls[name] = (...args) => {
      const line = new Error().stack!.split("\n").find((each) => each.includes("microvm/"));
      if (line !== undefined) seen.push(`${name} ${line.trim()}`);
      return original(...args);
    };
  syncBuiltinESMExports();
  try {
    await work();
  } finally {
    for (const [name, original] of originals) calls[name] = original;
    syncBuiltinESMExports();
  }
  return seen;
}
