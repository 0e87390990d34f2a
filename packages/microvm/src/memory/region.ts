import { createCipheriv } from "node:crypto";
import { PAGE_BYTES, type Run } from "./guest-memory.ts";

/** Memory is read, compared, checked and written in regions of this size. */
const REGION_BYTES = 1024 * 1024;
const REGION_PAGES = REGION_BYTES / PAGE_BYTES;

/** Pages that lie in one region, in order. */
export interface Region {
  readonly number: number;
  readonly runs: readonly Run[];
}

/** Cuts runs, which are in order, where regions begin. */
export function regionsOf(runs: readonly Run[]): Region[] {
  const regions: { number: number; runs: Run[] }[] = [];
  for (const run of runs) {
    for (let { page, count } = run; count > 0;) {
      const number = Math.floor(page / REGION_PAGES);
      const taken = Math.min(count, (number + 1) * REGION_PAGES - page);
      const last = regions.at(-1);
      if (last?.number === number) last.runs.push({ page, count: taken });
      else regions.push({ number, runs: [{ page, count: taken }] });
      page += taken;
      count -= taken;
    }
  }
  return regions;
}

export const pageBytes = (runs: readonly Run[]): number =>
  runs.reduce((sum, { count }) => sum + count * PAGE_BYTES, 0);

/** Whether the pages fit into the room for a region. */
export const fitsRegion = (runs: readonly Run[]): boolean =>
  runs.length <= REGION_PAGES && pageBytes(runs) <= REGION_BYTES;

/** Bytes that name a run. */
const NAME_BYTES = 8;
const NAMES_BYTES = REGION_PAGES * NAME_BYTES;

/** Room for a region's pages, one after another. */
export class Room {
  readonly #all = Buffer.allocUnsafeSlow(NAMES_BYTES + REGION_BYTES);
  readonly pages: Buffer = this.#all.subarray(NAMES_BYTES);
  #other: Buffer | undefined;

  /** As much room once more, for what the pages are compared with. */
  get other(): Buffer {
    return (this.#other ??= Buffer.allocUnsafeSlow(REGION_BYTES));
  }

  /**
   * A checksum of the pages and their places, as hexadecimal digits: GMAC, which takes a fifth of the time of a CRC32. No
   * guest gets to see one, so that it may have the same nonce each time.
   */
  sum(key: Buffer, runs: readonly Run[]): string {
    const begin = NAMES_BYTES - runs.length * NAME_BYTES;
    for (const [index, { page, count }] of runs.entries()) {
      this.#all.writeUInt32LE(page, begin + index * NAME_BYTES);
      this.#all.writeUInt32LE(count, begin + index * NAME_BYTES + 4);
    }
    const mac = createCipheriv("aes-128-gcm", key, NONCE);
    mac.setAAD(this.#all.subarray(begin, NAMES_BYTES + pageBytes(runs)));
    mac.final();
    return mac.getAuthTag().toString("hex");
  }
}

/** Does work for each run, with the part of a room that its pages have. */
export async function eachRun(
  runs: readonly Run[],
  { pages }: Room,
  work: (run: Run, pages: Buffer) => Promise<void>,
): Promise<void> {
  let at = 0;
  for (const run of runs) {
    const end = at + run.count * PAGE_BYTES;
    await work(run, pages.subarray(at, end));
    at = end;
  }
}

const NONCE = Buffer.alloc(12);
export const KEY_BYTES = 16;
export const SUM_BYTES = 16;

/** As many as there are threads for the work. */
const WORKERS = 4;

/** Does work for each, of which so many can wait; a room is its own meanwhile. */
export async function inParallel<T>(
  all: readonly T[],
  work: (one: T, room: Room) => Promise<void>,
  atOnce: number = WORKERS,
): Promise<void> {
  const waiting = all.values();
  const failures: unknown[] = [];
  const worker = async (): Promise<void> => {
    const room = new Room();
    try {
      for (const one of waiting) {
        if (failures.length > 0) return;
        await work(one, room);
      }
    } catch (error) {
      failures.push(error);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, all.length) }, worker));
  if (failures.length > 0) throw failures[0];
}
