import { open, readFile } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { writeNew } from "../host/durable.ts";
import { whole } from "../host/whole.ts";
import { type GuestMemory, PAGE_BYTES, type Run } from "./guest-memory.ts";

/**
 * A layer of memory on disk: the pages one after another in `path`, and in `path.index` which pages they are, with
 * a checksum of each chunk of them.
 */
export interface MemoryIndex {
  readonly runs: readonly Run[];
  readonly sums: readonly number[];
}

/** Bytes that are read or written at once. */
const CHUNK_BYTES = 1024 * 1024;
const CHUNK_PAGES = CHUNK_BYTES / PAGE_BYTES;
const indexOf = (path: string): string => `${path}.index`;

/** Cuts runs so that each lies in one chunk, and groups them by chunk. */
export function chunksOf(runs: readonly Run[]): Run[][] {
  const chunks: Run[][] = [];
  let room = 0;
  for (const run of runs) {
    for (let { page, count } = run; count > 0;) {
      if (room === 0) {
        chunks.push([]);
        room = CHUNK_PAGES;
      }
      const taken = Math.min(count, room);
      chunks.at(-1)!.push({ page, count: taken });
      page += taken;
      count -= taken;
      room -= taken;
    }
  }
  return chunks;
}

export const pageBytes = (runs: readonly Run[]): number =>
  runs.reduce((sum, { count }) => sum + count * PAGE_BYTES, 0);

/** Writes pages of a stopped machine. */
export async function writeMemory(
  path: string,
  memory: GuestMemory,
  runs: readonly Run[],
): Promise<void> {
  const file = await open(path, "wx", 0o600);
  const chunks = chunksOf(runs);
  const sums: number[] = [];
  try {
    await inParallel(chunks, async (chunk, index, buffer) => {
      let at = 0;
      for (const run of chunk) {
        await memory.read(run, buffer.subarray(at, at + run.count * PAGE_BYTES));
        at += run.count * PAGE_BYTES;
      }
      sums[index] = crc32(buffer.subarray(0, at));
      const position = index * CHUNK_BYTES;
      await whole((done) => file.write(buffer, done, at - done, position + done), at);
    });
  } finally {
    await file.close();
  }
  await writeIndex(indexOf(path), { runs, sums });
}

/** Loads a layer's pages into a machine that has not started to run. @throws when they are not what was written */
export async function loadMemory(path: string, memory: GuestMemory): Promise<void> {
  const { runs, sums } = await readLayerIndex(path);
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    if (size !== pageBytes(runs))
      throw new Error(`${path} has ${size} bytes, not ${pageBytes(runs)}`);
    await inParallel(chunksOf(runs), async (chunk, index, buffer) => {
      const bytes = pageBytes(chunk);
      const position = index * CHUNK_BYTES;
      await whole((done) => file.read(buffer, done, bytes - done, position + done), bytes);
      if (crc32(buffer.subarray(0, bytes)) !== sums[index])
        throw new Error(`${path} has other bytes than were written, from byte ${position} on`);
      let at = 0;
      for (const run of chunk) {
        await memory.write(run, buffer.subarray(at, at + run.count * PAGE_BYTES));
        at += run.count * PAGE_BYTES;
      }
    });
  } finally {
    await file.close();
  }
}

/** As many as there are threads for the work. */
const WORKERS = 4;

/** Does work for each chunk; two buffers of a chunk's size are its own meanwhile. */
export async function inParallel(
  chunks: readonly Run[][],
  work: (chunk: Run[], index: number, buffer: Buffer, other: Buffer) => Promise<void>,
): Promise<void> {
  const waiting = chunks.entries();
  const failures: unknown[] = [];
  const worker = async (): Promise<void> => {
    const [buffer, other] = [
      Buffer.allocUnsafeSlow(CHUNK_BYTES),
      Buffer.allocUnsafeSlow(CHUNK_BYTES),
    ];
    try {
      for (const [index, chunk] of waiting) {
        if (failures.length > 0) return;
        await work(chunk, index, buffer, other);
      }
    } catch (error) {
      failures.push(error);
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, worker));
  if (failures.length > 0) throw failures[0];
}

/** Numbers of 4 bytes: how many runs, the runs, the checksums of chunks, and a checksum of all that. */
async function writeIndex(path: string, { runs, sums }: MemoryIndex): Promise<void> {
  const numbers = [runs.length, ...runs.flatMap(({ page, count }) => [page, count]), ...sums];
  const bytes = Buffer.alloc((numbers.length + 1) * 4);
  numbers.forEach((number, index) => bytes.writeUInt32LE(number, index * 4));
  bytes.writeUInt32LE(crc32(bytes.subarray(0, -4)), numbers.length * 4);
  await writeNew(path, bytes);
}

export async function readLayerIndex(path: string): Promise<MemoryIndex> {
  return readIndex(await readFile(indexOf(path)));
}

function readIndex(bytes: Buffer): MemoryIndex {
  const length = bytes.length / 4;
  if (
    !Number.isInteger(length) ||
    length < 2 ||
    crc32(bytes.subarray(0, -4)) !== bytes.readUInt32LE(bytes.length - 4)
  )
    throw new Error("the index of its memory is damaged");
  const numbers = Array.from({ length: length - 1 }, (_, index) => bytes.readUInt32LE(index * 4));
  const count = numbers[0]!;
  if (1 + count * 2 > numbers.length) throw new Error("the index of its memory is damaged");
  const runs = Array.from({ length: count }, (_, index) => ({
    page: numbers[1 + index * 2]!,
    count: numbers[2 + index * 2]!,
  }));
  return { runs, sums: numbers.slice(1 + count * 2) };
}
