import { closeSync, openSync, readFileSync, readSync } from "node:fs";

const CHUNK_BYTES = 4 * 1024 * 1024;

/** True when a process has the bytes anywhere in the memory that it wrote. */
export function memoryHolds(pid: number, wanted: Buffer): boolean {
  const maps = readFileSync(`/proc/${pid}/maps`, "utf8").trim().split("\n");
  const memory = openSync(`/proc/${pid}/mem`, "r");
  const chunk = Buffer.alloc(CHUNK_BYTES + wanted.length);
  try {
    for (const map of maps) {
      const [, first, last, access] = /^([0-9a-f]+)-([0-9a-f]+) (\S+)/.exec(map)!;
      if (!access!.startsWith("rw")) continue;
      const end = Number.parseInt(last!, 16);
      for (let at = Number.parseInt(first!, 16); at < end; at += CHUNK_BYTES) {
        const bytes = read(memory, chunk, at, Math.min(chunk.length, end - at));
        if (chunk.subarray(0, bytes).includes(wanted)) return true;
      }
    }
    return false;
  } finally {
    closeSync(memory);
  }
}

function read(memory: number, chunk: Buffer, at: number, length: number): number {
  try {
    return readSync(memory, chunk, 0, length, at);
  } catch {
    return 0; // Memory of a device.
  }
}
