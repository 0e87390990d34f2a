import { type FileHandle, open } from "node:fs/promises";
import { whole } from "../host/whole.ts";
import { PAGE_BYTES, type Run } from "./guest-memory.ts";
import { type LayerIndex, readLayerIndex } from "./layer-index.ts";
import type { Region, Room } from "./region.ts";

/** What layers of memory have of a machine's pages. */
export interface LowerLayers extends AsyncDisposable {
  /** The index of the uppermost. */
  readonly top: LayerIndex;
  /** Those of the pages in a room, which are a region's, that the layers do not have like that. */
  different(region: Region, room: Room): Promise<KeptPage[]>;
}

/** A page, and at which place it is in its room. */
export interface KeptPage {
  readonly page: number;
  readonly at: number;
}

/** Opens layers, lowest first, for the pages of `runs`; nothing if there are none. */
export async function openLowerLayers(
  paths: readonly string[],
  runs: readonly Run[],
): Promise<LowerLayers | undefined> {
  const indices: LayerIndex[] = [];
  for (const path of paths) indices.push(await readLayerIndex(path));
  const top = indices.at(-1);
  if (top === undefined) return undefined;
  const last = runs.at(-1);
  const places = placesIn(indices, last === undefined ? 0 : last.page + last.count);
  const files: FileHandle[] = [];
  const close = async (): Promise<void> => {
    for (const file of files) await file.close();
  };
  try {
    for (const path of paths) files.push(await open(path, "r"));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    top,
    async different({ runs }, room) {
      const pages = runs.flatMap(({ page, count }) =>
        Array.from({ length: count }, (_, index) => page + index),
      );
      const same = new Set<number>();
      for (const [layer, file] of files.entries())
        for (const at of await sameIn(file, layer + 1, { pages, places, room })) same.add(at);
      return pages.map((page, at) => ({ page, at })).filter(({ at }) => !same.has(at));
    },
    [Symbol.asyncDispose]: close,
  };
}

/** Where each page is, in the uppermost layer that has it, by its number. */
interface Places {
  /** 0 if no layer has it; 1 is the lowest. */
  readonly layer: Uint16Array;
  readonly position: Uint32Array;
}

/** Pages from `end` on are not looked for. */
function placesIn(indices: readonly LayerIndex[], end: number): Places {
  const places = { layer: new Uint16Array(end), position: new Uint32Array(end) };
  for (const [layer, { pieces }] of indices.entries()) {
    let position = 0;
    for (const { runs } of pieces)
      for (const { page, count } of runs)
        for (let each = page; each < page + count; each++, position++) {
          if (each >= end) continue;
          places.layer[each] = layer + 1;
          places.position[each] = position;
        }
  }
  return places;
}

/** Which of a room's pages, by their places in it, are in this layer as they are. */
async function sameIn(
  file: FileHandle,
  layer: number,
  of: { pages: readonly number[]; places: Places; room: Room },
): Promise<number[]> {
  const { pages, places, room } = of;
  const there = [...pages.keys()].filter((at) => places.layer[pages[at]!] === layer);
  if (there.length === 0) return [];
  // A layer has what it has of a region in one place: it is read at once, whatever lies between.
  const positions = there.map((at) => places.position[pages[at]!]!);
  const [first, last] = [Math.min(...positions), Math.max(...positions)];
  const bytes = (last - first + 1) * PAGE_BYTES;
  if (bytes > room.other.length) return [];
  const [saved, from] = [room.other, first * PAGE_BYTES];
  await whole((done) => file.read(saved, done, bytes - done, from + done), bytes);
  return there.filter((at, index) => {
    const [begin, other] = [at * PAGE_BYTES, (positions[index]! - first) * PAGE_BYTES];
    return room.pages.compare(saved, other, other + PAGE_BYTES, begin, begin + PAGE_BYTES) === 0;
  });
}
