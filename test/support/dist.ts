import { execFileSync } from "node:child_process";
import { join } from "node:path";

/** Builds what npm would get. */
export function setup(): void {
  execFileSync(process.execPath, [join(import.meta.dirname, "../../scripts/dist.mjs")], {
    stdio: ["ignore", "ignore", "inherit"],
  });
}
