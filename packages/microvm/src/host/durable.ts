import { open } from "node:fs/promises";

/** Waits until a file, or the names in a directory, are on the disk. */
export async function sync(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Writes a new file, and waits until it is on the disk. */
export async function writeDurably(path: string, bytes: Buffer | string): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    await file.writeFile(bytes);
    await file.datasync();
  } finally {
    await file.close();
  }
}
