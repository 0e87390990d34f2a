import { readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { exists } from "../host/exists.ts";
import { BASES } from "./base.ts";
import { CHECKPOINTS } from "./checkpoints.ts";

const HOUR_MS = 3_600_000;

/**
 * Removes what killed programs left half made or half removed. Two may do so at once. What cannot be removed does not
 * keep the rest from being removed; the first failure is thrown at the end.
 */
export async function sweepState(root: string): Promise<void> {
  const failures: unknown[] = [];
  for (const place of ["", "templates", "layers", "shapes"])
    for (const kind of ["paused", "snapshots", CHECKPOINTS, "forks", "names", "volumes", BASES])
      for (const name of await namesIn(join(root, place, kind)))
        await sweep(join(root, place), kind, name).catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}

async function sweep(root: string, kind: string, name: string): Promise<void> {
  if (!(await isLeft(root, kind, name))) return;
  await rm(join(root, kind, name), { recursive: kind !== BASES, force: true });
}

/** Nothing, if there is no such directory yet. */
const namesIn = (directory: string): Promise<string[]> => readdir(directory).catch(() => []);

async function isLeft(root: string, kind: string, name: string): Promise<boolean> {
  const pid = /^\.(?:new|gone)-(\d+)-/.exec(name)?.[1];
  if (pid !== undefined) return !(await exists(`/proc/${pid}`));
  if (kind === BASES) return isUnused(join(root, kind, name));
  return kind === "names" && isDangling(root, name);
}

/** Whether it names a snapshot that was deleted, by a program that was killed before it removed the name. */
async function isDangling(root: string, name: string): Promise<boolean> {
  if (name.startsWith(".")) return false;
  try {
    const id = (await readFile(join(root, "names", name), "utf8")).trim();
    return !(await exists(join(root, "snapshots", id)));
  } catch {
    return false; // It is gone.
  }
}

/** A copy that nothing links to any more, and that was not made just now. */
async function isUnused(path: string): Promise<boolean> {
  const stats = await stat(path).catch(() => undefined);
  return stats?.nlink === 1 && Date.now() - stats.ctimeMs > HOUR_MS;
}
