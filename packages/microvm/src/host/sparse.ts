import type { FileHandle } from "node:fs/promises";
import { whole } from "./whole.ts";

/** What file systems keep together; a hole has at least this size. In bytes. */
const BLOCK = 4096;
const ZEROS = Buffer.alloc(BLOCK);

/** Writes a chunk to its place in a new file of its final length, leaving out blocks of zeros, which stay holes. */
export async function writeSparsely(file: FileHandle, chunk: Buffer, at: number): Promise<void> {
  let begun = 0;
  const writeUpTo = async (end: number): Promise<void> => {
    const bytes = end - begun;
    await whole((done) => file.write(chunk, begun + done, bytes - done, at + begun + done), bytes);
  };
  for (let from = 0, to: number; from < chunk.length; from = to) {
    to = Math.min(chunk.length, from + BLOCK - ((at + from) % BLOCK));
    if (!chunk.subarray(from, to).equals(ZEROS.subarray(0, to - from))) continue;
    await writeUpTo(from);
    begun = to;
  }
  await writeUpTo(chunk.length);
}
