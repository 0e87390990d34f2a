import { lstat, open, rename, rm, stat } from "node:fs/promises";
import { EmberboxError } from "@emberbox/core";
import { UsageError } from "./failure.ts";

/**
 * Has a file written, piece by piece, beside its place, and gives it its name once all of it is there. One that is
 * there is replaced; anything but a file, such as a device, is not.
 */
export async function writeWhole(
  path: string,
  work: (write: (bytes: Buffer) => Promise<void>) => Promise<void>,
): Promise<void> {
  const there = await lstat(path).catch(() => undefined);
  if (there !== undefined && !there.isFile()) throw new UsageError(`${path} is not a file`);
  const partial = `${path}.partial`;
  let isOurs = true;
  try {
    // A killed program may have left one. Never through a link.
    await rm(partial, { force: true });
    await using file = await open(partial, "wx", 0o644);
    await work((bytes) => file.writeFile(bytes));
    await file.sync();
    isOurs = (await stat(partial)).ino === (await file.stat()).ino;
    if (!isOurs) throw new Error("another program writes it, too");
    await rename(partial, path);
  } catch (error) {
    if (isOurs) await rm(partial, { force: true });
    throw asUsageError(path, error);
  }
}

function asUsageError(path: string, error: unknown): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (code === "ENOSPC")
    return new EmberboxError("host_disk_full", `there is no space for ${path}`, {
      hint: "Free some space, or write it to another disk.",
      cause: error,
    });
  return syscall === "open" || syscall === "rm"
    ? new UsageError(`${path} cannot be written: ${(error as Error).message}`)
    : error;
}
