import { randomBytes } from "node:crypto";
import { rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

/** A path for what is being made, or is being removed: what a killed program has left there is told by its name, and swept. */
export const unfinished = (directory: string, kind: "new" | "gone"): string =>
  join(directory, `.${kind}-${process.pid}-${randomBytes(8).toString("hex")}`);

/** Removes a directory that for others is gone at once, whatever happens meanwhile. False when there is none. */
export async function removeWhole(path: string): Promise<boolean> {
  const gone = unfinished(dirname(path), "gone");
  try {
    await rename(path, gone);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
  await rm(gone, { recursive: true, force: true });
  return true;
}
