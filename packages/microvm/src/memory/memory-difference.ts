import { type FileHandle, open } from "node:fs/promises";
import { whole } from "../host/whole.ts";
import { type GuestMemory, PAGE_BYTES, type Run } from "./guest-memory.ts";
import { chunksOf, inParallel, readLayerIndex } from "./memory-file.ts";

/** Where each page is in the layers, in the uppermost that has it, by its number. */
interface Places {
  /** 0 if no layer has it; 1 is the lowest. */
  readonly layer: Uint8Array;
  readonly position: Uint32Array;
}

/** Which pages of a stopped machine differ from what the layers, lowest first, have of them. */
export async function differing(
  memory: GuestMemory,
  runs: readonly Run[],
  layers: readonly string[],
): Promise<Run[]> {
  const places = await placesIn(layers, endOf(runs));
  const files: FileHandle[] = [];
  try {
    for (const path of layers) files.push(await open(path, "r"));
    const different: number[][] = [];
    await inParallel(chunksOf(runs), async (chunk, index, buffer, saved) => {
      different[index] = [];
      for (const run of chunk) {
        await memory.read(run, buffer.subarray(0, run.count * PAGE_BYTES));
        for (const part of partsOf(run, places)) {
          const now = buffer.subarray((part.page - run.page) * PAGE_BYTES);
          await compare(part, now, saved, files, different[index]);
        }
      }
    });
    return runsOf(different.flat());
  } finally {
    for (const file of files) await file.close();
  }
}

const endOf = (runs: readonly Run[]): number => {
  const last = runs.at(-1);
  return last === undefined ? 0 : last.page + last.count;
};

/** Pages from `end` on are not looked for. */
async function placesIn(layers: readonly string[], end: number): Promise<Places> {
  const places = { layer: new Uint8Array(end), position: new Uint32Array(end) };
  for (const [layer, path] of layers.entries()) {
    let position = 0;
    for (const { page, count } of (await readLayerIndex(path)).runs)
      for (let each = page; each < page + count; each++, position++) {
        if (each >= end) continue;
        places.layer[each] = layer + 1;
        places.position[each] = position;
      }
  }
  return places;
}

/** A part of a run that is consecutive in one layer, too, or in none. */
interface Part extends Run {
  readonly layer: number;
  readonly position: number;
}

function partsOf({ page: first, count }: Run, { layer, position }: Places): Part[] {
  const parts: { page: number; count: number; layer: number; position: number }[] = [];
  for (let page = first; page < first + count; page++) {
    const last = parts.at(-1);
    const follows =
      last !== undefined &&
      last.layer === layer[page] &&
      (last.layer === 0 || last.position + last.count === position[page]);
    if (follows) last.count++;
    else parts.push({ page, count: 1, layer: layer[page]!, position: position[page]! });
  }
  return parts;
}

/** Adds the pages of a part that differ: `now` begins with them, and `saved` is for what the layer has. */
async function compare(
  { page, count, layer, position }: Part,
  now: Buffer,
  saved: Buffer,
  files: readonly FileHandle[],
  different: number[],
): Promise<void> {
  const bytes = count * PAGE_BYTES;
  const isEqual = (from: number, to: number): boolean =>
    layer > 0 && now.compare(saved, from, to, from, to) === 0;
  if (layer > 0) {
    const at = position * PAGE_BYTES;
    await whole((done) => files[layer - 1]!.read(saved, done, bytes - done, at + done), bytes);
    // Most of what was saved is as it was.
    if (isEqual(0, bytes)) return;
  }
  for (let index = 0; index < count; index++)
    if (!isEqual(index * PAGE_BYTES, (index + 1) * PAGE_BYTES)) different.push(page + index);
}

/** Joins pages, which are in order, into runs. */
function runsOf(pages: readonly number[]): Run[] {
  const runs: { page: number; count: number }[] = [];
  for (const page of pages) {
    const last = runs.at(-1);
    if (last !== undefined && last.page + last.count === page) last.count++;
    else runs.push({ page, count: 1 });
  }
  return runs;
}
