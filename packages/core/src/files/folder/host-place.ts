import { chmod, lstat, readdir, rename, rm } from "node:fs/promises";
import { parse } from "node:path";
import { EmberboxError } from "../../errors.ts";

/** Refuses a place for a folder, before anything is received. @throws `file_exists` */
export async function checkPlace(place: string, existing: "refuse" | "replace"): Promise<void> {
  if (place === parse(place).root) throw exists(place);
  const stats = await lstat(place).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  });
  if (stats === undefined) return;
  if (!stats.isDirectory()) throw exists(place);
  if (existing === "refuse" && (await readdir(place)).length > 0) throw exists(place);
}

/** A directory that is renamed takes the place of an empty one, and of nothing else. */
export async function moveIn(
  beside: string,
  place: string,
  existing: "refuse" | "replace",
): Promise<void> {
  await checkPlace(place, existing);
  if (existing === "refuse") return rename(beside, place);
  const old = `${beside}.old`;
  const wasThere = await rename(place, old).then(
    () => true,
    () => false,
  );
  try {
    await rename(beside, place);
  } catch (error) {
    if (wasThere) await rename(old, place);
    throw error;
  }
  await removeAll(old);
}

async function removeAll(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true }).catch(async () => {
    await chmod(path, 0o700);
    await rm(path, { recursive: true, force: true });
  });
}

const exists = (place: string): EmberboxError =>
  new EmberboxError("file_exists", `There is something at ${place} already`, {
    hint: "Choose another path, or exchange what is there by `existing: 'replace'`.",
  });

/** What this machine's files say, as errors of ours. */
export function hostError(error: unknown, place: string): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (EmberboxError.isInstance(error) || code === undefined || typeof code !== "string")
    return error;
  if (code === "ENOSPC" || code === "EDQUOT")
    return new EmberboxError("host_disk_full", `No room for ${place}: ${message}`, {
      cause: error,
    });
  if (code === "ENOTEMPTY" || code === "EEXIST") return exists(place);
  if (!/^E[A-Z]+$/.test(code)) return error;
  return new EmberboxError("invalid_path", `${place} could not be written: ${message}`, {
    cause: error,
    hint: "Choose a path on this machine where you may write.",
  });
}
