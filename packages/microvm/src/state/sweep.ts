import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { BASES } from "./base.ts";

const HOUR_MS = 3_600_000;

/** Removes what programs left half made, or half removed, that were killed. */
export async function sweepState(root: string): Promise<void> {
  for (const kind of ["paused", "snapshots", "forks", "names", BASES]) {
    let names: string[];
    try {
      names = readdirSync(join(root, kind));
    } catch {
      continue;
    }
    for (const name of names) {
      if (kind === BASES && isUnused(join(root, kind, name))) await rm(join(root, kind, name));
      if (kind === "names" && isDangling(root, name))
        await rm(join(root, kind, name), { force: true });
      const pid = /^\.(?:new|gone)-(\d+)-/.exec(name)?.[1];
      if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
      await rm(join(root, kind, name), { recursive: true, force: true });
    }
  }
}

/** The name of a snapshot that was deleted, by a program that was killed before it came to the name. */
function isDangling(root: string, name: string): boolean {
  if (name.startsWith(".")) return false;
  try {
    const id = readFileSync(join(root, "names", name), "utf8").trim();
    return !existsSync(join(root, "snapshots", id));
  } catch {
    return false; // It is gone.
  }
}

/** A copy that nothing links any more, and that was not made just now. */
function isUnused(path: string): boolean {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats?.nlink === 1 && Date.now() - stats.ctimeMs > HOUR_MS;
}
