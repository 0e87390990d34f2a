import { open } from "node:fs/promises";
import { whole } from "../host/whole.ts";
import type { GuestMemory } from "./guest-memory.ts";
import { type Piece, readLayerIndex } from "./layer-index.ts";
import { eachRun, inParallel, pageBytes, type Room } from "./region.ts";

/** How many pieces of up to 1 MiB are read and checked ahead of QEMU's start. */
const AHEAD = 96;

/** Loads a layer's pages into a machine that has not started to run. @throws when they are not what was written */
export async function loadLayer(path: string, opening: Promise<GuestMemory>): Promise<void> {
  const { key, pieces } = await readLayerIndex(path);
  const { placed, end } = placesOf(pieces);
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    if (size !== end) throw new Error(`${path} has ${size} bytes, not ${end}`);
    const load = async ({ runs, sum, position, bytes }: PlacedPiece, room: Room): Promise<void> => {
      const { pages } = room;
      await whole((done) => file.read(pages, done, bytes - done, position + done), bytes);
      if (room.sum(key, runs) !== sum)
        throw new Error(`${path} has other bytes than were written, from byte ${position} on`);
      const memory = await opening;
      await eachRun(runs, room, (run, of) => memory.write(run, of));
    };
    await inParallel(placed, load, AHEAD);
  } finally {
    await file.close();
  }
}

interface PlacedPiece extends Piece {
  /** Where it begins in the file. */
  readonly position: number;
  readonly bytes: number;
}

function placesOf(pieces: readonly Piece[]): { placed: PlacedPiece[]; end: number } {
  let end = 0;
  const placed = pieces.map((piece) => {
    const bytes = pageBytes(piece.runs);
    const position = end;
    end += bytes;
    return { ...piece, position, bytes };
  });
  return { placed, end };
}
