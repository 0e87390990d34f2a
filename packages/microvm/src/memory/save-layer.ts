import { randomBytes } from "node:crypto";
import { open } from "node:fs/promises";
import { whole } from "../host/whole.ts";
import { addPage, type GuestMemory, PAGE_BYTES, type Run } from "./guest-memory.ts";
import { type Piece, writeLayerIndex } from "./layer-index.ts";
import { type KeptPage, openLowerLayers } from "./lower-layers.ts";
import { inParallel, KEY_BYTES, pageBytes, regionsOf, type Room } from "./region.ts";

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
      await readRuns(memory, region.runs, room);
      const sum = room.sum(key, region.runs);
      regions.set(region.number, sum);
      if (lower?.top.regions.get(region.number) === sum) return;
      const kept = lower ? keepThe(await lower.different(region, room), room) : region.runs;
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

/** Pages between two runs that are read with them: a read takes as long as copying several pages. */
const MAX_GAP = 8;

/** Reads runs to the beginning of a room, one after another. */
async function readRuns(memory: GuestMemory, runs: readonly Run[], room: Room): Promise<void> {
  let at = 0;
  for (let next = 0; next < runs.length;) {
    const first = next;
    const { page } = runs[first]!;
    let end = page;
    do end = runs[next]!.page + runs[next++]!.count;
    while (next < runs.length && runs[next]!.page - end <= MAX_GAP);
    const span = { page, count: end - page };
    const isRun = next === first + 1;
    const into = isRun ? room.pages.subarray(at) : room.other;
    await memory.read(span, into.subarray(0, span.count * PAGE_BYTES));
    for (const run of runs.slice(first, next)) {
      const from = (run.page - page) * PAGE_BYTES;
      const bytes = run.count * PAGE_BYTES;
      if (!isRun) into.copy(room.pages, at, from, from + bytes);
      at += bytes;
    }
  }
}

/** Moves some of a room's pages to its beginning, and returns them. */
function keepThe(kept: readonly KeptPage[], { pages }: Room): Run[] {
  const runs: { page: number; count: number }[] = [];
  for (const [to, { page, at }] of kept.entries()) {
    addPage(runs, page);
    if (at !== to) pages.copy(pages, to * PAGE_BYTES, at * PAGE_BYTES, (at + 1) * PAGE_BYTES);
  }
  return runs;
}
