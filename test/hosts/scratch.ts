import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";

/** A directory that is removed when the program ends, for files of gigabytes: not where temporary files are in memory. */
export function scratchDirectory(): string {
  const directory = mkdtempSync(join("/var/tmp", "emberbox-host-"));
  process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
  // Ctrl-C comes twice, from the terminal and from the set-up: the second one must not end the removal.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(130));
  return directory;
}
