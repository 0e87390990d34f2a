import { type FileHandle, open } from "node:fs/promises";
import { whole } from "../host/whole.ts";
import { PAGE_BYTES, type Run } from "./guest-memory.ts";
import { type LayerIndex, readLayerIndex } from "./layer-index.ts";

/** What layers of memory have of a machine's pages. */
export interface LowerLayers extends AsyncDisposable {
  /** The index of the uppermost. */
  readonly top: LayerIndex;
  /** Reads the pages of a run to the beginning of `into`, and says which of them there are. */
  read(run: Run, into: Buffer): Promise<boolean[]>;
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
    async read(run, into) {
      const has: boolean[] = [];
      for (const { layer, position, page, count } of partsOf(run, places)) {
        for (let index = 0; index < count; index++) has.push(layer > 0);
        if (layer === 0) continue;
        const [at, from] = [(page - run.page) * PAGE_BYTES, position * PAGE_BYTES];
        const bytes = count * PAGE_BYTES;
        const file = files[layer - 1]!;
        await whole((done) => file.read(into, at + done, bytes - done, from + done), bytes);
      }
      return has;
    },
    [Symbol.asyncDispose]: close,
  };
}

/** Where each page is, in the uppermost layer that has it, by its number. */
interface Places {
  /** 0 if no layer has it; 1 is the lowest. */
  readonly layer: Uint8Array;
  readonly position: Uint32Array;
}

/** Pages from `end` on are not looked for. */
function placesIn(indices: readonly LayerIndex[], end: number): Places {
  const places = { layer: new Uint8Array(end), position: new Uint32Array(end) };
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
