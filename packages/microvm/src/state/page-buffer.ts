import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";

/** What is read and written at once, `bytes`. */
export const CHUNK_BYTES: number = 4 * 1024 * 1024;

/** Node's types leave it to those of browsers. */
declare const WebAssembly: {
  Memory: new (size: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
};

const unused: Buffer[] = [];

/** A buffer that begins at a page, as direct input and output demand; only WebAssembly's memory promises that. */
export function takeBuffer(): Buffer {
  const memory = unused.pop();
  if (memory) return memory;
  const pages = CHUNK_BYTES / 65_536;
  return Buffer.from(new WebAssembly.Memory({ initial: pages, maximum: pages }).buffer);
}

export function giveBack(buffer: Buffer): void {
  if (unused.length < 8) unused.push(buffer);
}

/** Opens a file past the page cache, which would be filled with what is used once; with it where that cannot be. */
export async function openDirect(path: string, flags: number, mode?: number): Promise<FileHandle> {
  try {
    return await open(path, flags | constants.O_DIRECT, mode);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EINVAL") throw error;
    return open(path, flags, mode);
  }
}
