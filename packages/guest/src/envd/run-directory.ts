import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A directory that only the agent can access, removed when it ends; `undefined` if there is no place for one. */
export function runDirectory(name: string): string | undefined {
  for (const parent of ["/run", tmpdir()]) {
    try {
      const made = mkdtempSync(join(parent, `emberbox-${name}-`));
      process.once("exit", () => rmSync(made, { recursive: true, force: true }));
      return made;
    } catch {
      // The next one may work.
    }
  }
  return undefined;
}
