import { randomBytes } from "node:crypto";
import { open } from "node:fs/promises";
import { whole } from "../host/whole.ts";
import { addPage, type GuestMemory, PAGE_BYTES, type Run } from "./guest-memory.ts";
import { type Piece, writeLayerIndex } from "./layer-index.ts";
import { type LowerLayers, openLowerLayers } from "./lower-layers.ts";
import {
  eachRun,
  inParallel,
  KEY_BYTES,
  pageBytes,
  type Region,
  regionsOf,
  type Room,
} from "./region.ts";

/**
 * Saves the pages of a stopped machine that differ from what the layers below, lowest first, have of them. Where a region
 * has the checksum that the uppermost of these gives for it, nothing has changed. Returns the bytes of the pages.
 */
export async function saveLayer(
  path: string,
  memory: GuestMemory,
  runs: readonly Run[],
  below: readonly string[],
): Promise<number> {
  await using lower = await openLowerLayers(below, runs);
  const key = lower?.top.key ?? randomBytes(KEY_BYTES);
  const pieces: Piece[] = [];
  const regions = new Map<number, string>();
  let end = 0;
  const file = await open(path, "wx", 0o600);
  try {
    await inParallel(regionsOf(runs), async (region, room) => {
      await eachRun(region.runs, room, (run, pages) => memory.read(run, pages));
      const sum = room.sum(key, region.runs);
      regions.set(region.number, sum);
      if (lower?.top.regions.get(region.number) === sum) return;
      const kept = lower ? await keepDifferent(region, room, lower) : region.runs;
      const bytes = pageBytes(kept);
      if (bytes === 0) return;
      pieces.push({ runs: kept, sum: lower ? room.sum(key, kept) : sum });
      const position = end;
      end += bytes;
      await whole((done) => file.write(room.pages, done, bytes - done, position + done), bytes);
    });
  } finally {
    await file.close();
  }
  await writeLayerIndex(path, { key, pieces, regions });
  return end;
}

/** Writes pages of a stopped machine to their places in a file of all its memory. */
export async function writePages(
  path: string,
  memory: GuestMemory,
  runs: readonly Run[],
): Promise<void> {
  const file = await open(path, "r+");
  try {
    await inParallel(regionsOf(runs), async (region, { pages }) => {
      for (const run of region.runs) {
        const [at, bytes] = [run.page * PAGE_BYTES, run.count * PAGE_BYTES];
        await memory.read(run, pages.subarray(0, bytes));
        await whole((done) => file.write(pages, done, bytes - done, at + done), bytes);
      }
    });
  } finally {
    await file.close();
  }
}

/** Moves the pages that differ from what the layers have of them to the beginning of the room, and returns them. */
async function keepDifferent(
  { runs }: Region,
  { pages: now, other: saved }: Room,
  lower: LowerLayers,
): Promise<Run[]> {
  const kept: { page: number; count: number }[] = [];
  let [from, to] = [0, 0];
  for (const run of runs) {
    const has = await lower.read(run, saved);
    for (let index = 0; index < run.count; index++, from += PAGE_BYTES) {
      const at = index * PAGE_BYTES;
      const isEqual =
        has[index] === true &&
        now.compare(saved, at, at + PAGE_BYTES, from, from + PAGE_BYTES) === 0;
      if (isEqual) continue;
      addPage(kept, run.page + index);
      now.copy(now, to, from, from + PAGE_BYTES);
      to += PAGE_BYTES;
    }
  }
  return kept;
}
