import { type FileHandle, open } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { whole } from "./whole.ts";

/** Bytes that are read and written at once. */
const CHUNK_BYTES = 1024 * 1024;

/** A file that never changes once it is written, and what it must contain. */
export interface SummedFile {
  readonly name: string;
  readonly bytes: number;
  readonly sum: number;
}

/** Copies an open file. */
export async function copySummed(fd: number, path: string, name: string): Promise<SummedFile> {
  const from = await open(`/proc/self/fd/${fd}`, "r");
  const to = await open(path, "wx", 0o600);
  try {
    const { size } = await from.stat();
    const sum = await eachChunk(from, size, (chunk, at) =>
      whole((done) => to.write(chunk, done, chunk.length - done, at + done), chunk.length),
    );
    return { name, bytes: size, sum };
  } finally {
    await from.close();
    await to.close();
  }
}

/** Files found intact, by a key that changes when they do; each is read through only once per program. */
const verified = new Set<string>();

/** @throws when the file at `path` is not what was written */
export async function verifySummed(path: string, expected: SummedFile): Promise<void> {
  const file = await open(path, "r");
  try {
    const { size, ino, dev, mtimeMs } = await file.stat();
    if (size !== expected.bytes)
      throw new Error(`${path} has ${size} bytes, not ${expected.bytes}`);
    const key = [dev, ino, mtimeMs, size, expected.sum].join();
    if (verified.has(key)) return;
    if ((await eachChunk(file, size)) !== expected.sum)
      throw new Error(`${path} has other bytes than were written`);
    verified.add(key);
  } finally {
    await file.close();
  }
}

async function eachChunk(
  file: FileHandle,
  size: number,
  work?: (chunk: Buffer, at: number) => Promise<void>,
): Promise<number> {
  const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  let sum = 0;
  for (let at = 0; at < size; at += CHUNK_BYTES) {
    const chunk = buffer.subarray(0, Math.min(CHUNK_BYTES, size - at));
    await whole((done) => file.read(chunk, done, chunk.length - done, at + done), chunk.length);
    sum = crc32(chunk, sum);
    await work?.(chunk, at);
  }
  return sum;
}
