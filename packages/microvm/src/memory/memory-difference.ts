import { type FileHandle, open } from "node:fs/promises";
import { whole } from "../host/whole.ts";
import { type GuestMemory, PAGE_BYTES, type Run } from "./guest-memory.ts";
import { chunksOf, inParallel, readLayerIndex } from "./memory-file.ts";

/** Where a page is in the layers: the uppermost that has it. */
interface Slot {
  readonly layer: number;
  readonly position: number;
}

/** Which pages of a stopped machine differ from what the layers, lowest first, have of them. */
export async function differing(
  memory: GuestMemory,
  runs: readonly Run[],
  layers: readonly string[],
): Promise<Run[]> {
  const slots = new Map<number, Slot>();
  for (const [layer, path] of layers.entries()) {
    let position = 0;
    for (const { page, count } of (await readLayerIndex(path)).runs)
      for (let each = page; each < page + count; each++, position++)
        slots.set(each, { layer, position });
  }
  const files: FileHandle[] = [];
  try {
    for (const path of layers) files.push(await open(path, "r"));
    const different: number[][] = [];
    await inParallel(chunksOf(runs), async (chunk, index, buffer) => {
      different[index] = await compareChunk(memory, chunk, buffer, slots, files);
    });
    return runsOf(different.flat());
  } finally {
    for (const file of files) await file.close();
  }
}

async function compareChunk(
  memory: GuestMemory,
  chunk: readonly Run[],
  buffer: Buffer,
  slots: ReadonlyMap<number, Slot>,
  files: readonly FileHandle[],
): Promise<number[]> {
  const saved = Buffer.allocUnsafeSlow(buffer.length);
  const different: number[] = [];
  for (const run of chunk) {
    await memory.read(run, buffer.subarray(0, run.count * PAGE_BYTES));
    for (const part of partsOf(run, slots)) {
      const pages = Array.from({ length: part.count }, (_, index) => part.page + index);
      if (part.slot === undefined) {
        different.push(...pages);
        continue;
      }
      const { layer, position } = part.slot;
      const bytes = part.count * PAGE_BYTES;
      await whole(
        (done) => files[layer]!.read(saved, done, bytes - done, position * PAGE_BYTES + done),
        bytes,
      );
      for (const [index, page] of pages.entries()) {
        const [now, then] = [(page - run.page) * PAGE_BYTES, index * PAGE_BYTES];
        if (buffer.compare(saved, then, then + PAGE_BYTES, now, now + PAGE_BYTES) !== 0)
          different.push(page);
      }
    }
  }
  return different;
}

/** Cuts a run into parts, each of which is consecutive in one layer, too, or in none. */
function partsOf(
  run: Run,
  slots: ReadonlyMap<number, Slot>,
): (Run & { readonly slot: Slot | undefined })[] {
  const parts: { page: number; count: number; slot: Slot | undefined }[] = [];
  for (let page = run.page; page < run.page + run.count; page++) {
    const slot = slots.get(page);
    const last = parts.at(-1);
    const follows =
      last !== undefined &&
      last.slot?.layer === slot?.layer &&
      (slot === undefined || last.slot!.position + last.count === slot.position);
    if (follows) last.count++;
    else parts.push({ page, count: 1, slot });
  }
  return parts;
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
