import { open, readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/** Waits until a file, or the names in a directory, are on the disk. */
export async function sync(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Waits until the files in a directory and its name are on the disk, unless it is removed meanwhile. */
export async function syncDirectory(directory: string): Promise<void> {
  try {
    for (const entry of await readdir(directory, { withFileTypes: true }))
      if (entry.isFile()) await sync(join(directory, entry.name));
    await sync(directory);
    await sync(dirname(directory));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

/** Writes a file of this program's own, which must not be there. */
export const writeNew = (path: string, bytes: Buffer | string): Promise<void> =>
  writeFile(path, bytes, { flag: "wx", mode: 0o600 });
