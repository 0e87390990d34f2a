import { readFile } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { writeNew } from "../host/durable.ts";
import type { Run } from "./guest-memory.ts";
import { fitsRegion, KEY_BYTES, SUM_BYTES } from "./region.ts";

/** Pages that are one after another in a layer, and their checksum. */
export interface Piece {
  readonly runs: readonly Run[];
  readonly sum: string;
}

/** What a layer of memory has: its pages are in a file beside its index. */
export interface LayerIndex {
  /** Of the checksums. */
  readonly key: Buffer;
  /** In the order of the file. */
  readonly pieces: readonly Piece[];
  /** Checksums of all pages of a region that the machine had changed, whichever layer has them, by its number. */
  readonly regions: ReadonlyMap<number, string>;
}

const indexOf = (path: string): string => `${path}.index`;

/**
 * Numbers of 4 bytes, the lowest first: how many pieces and regions there are, the key, of each piece how many runs it has,
 * its checksum and the runs, of each region its number and checksum, and a CRC32 of all that.
 */
export async function writeLayerIndex(
  path: string,
  { key, pieces, regions }: LayerIndex,
): Promise<void> {
  const parts = [numbers(pieces.length, regions.size), key];
  for (const { runs, sum } of pieces)
    parts.push(
      numbers(runs.length),
      Buffer.from(sum, "hex"),
      numbers(...runs.flatMap(({ page, count }) => [page, count])),
    );
  for (const [number, sum] of regions) parts.push(numbers(number), Buffer.from(sum, "hex"));
  const bytes = Buffer.concat(parts);
  await writeNew(indexOf(path), Buffer.concat([bytes, numbers(crc32(bytes))]));
}

function numbers(...all: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(all.length * 4);
  all.forEach((number, index) => bytes.writeUInt32LE(number, index * 4));
  return bytes;
}

/** @throws when it is not what was written */
export async function readLayerIndex(path: string): Promise<LayerIndex> {
  const bytes = await readFile(indexOf(path));
  if (bytes.length < 4 || crc32(bytes.subarray(0, -4)) !== bytes.readUInt32LE(bytes.length - 4))
    throw damaged();
  let at = 0;
  const take = (length: number): Buffer => {
    const taken = bytes.subarray(at, (at += length));
    if (at > bytes.length - 4) throw damaged();
    return taken;
  };
  const number = (): number => take(4).readUInt32LE();
  const sum = (): string => take(SUM_BYTES).toString("hex");
  const [pieceCount, regionCount] = [number(), number()];
  const key = take(KEY_BYTES);
  const pieces: Piece[] = [];
  while (pieces.length < pieceCount) {
    const runCount = number();
    const pieceSum = sum();
    const runs: Run[] = [];
    while (runs.length < runCount) runs.push({ page: number(), count: number() });
    if (!fitsRegion(runs)) throw damaged();
    pieces.push({ runs, sum: pieceSum });
  }
  const regions = new Map<number, string>();
  for (let index = 0; index < regionCount; index++) regions.set(number(), sum());
  if (at !== bytes.length - 4) throw damaged();
  return { key, pieces, regions };
}

const damaged = (): Error => new Error("the index of its memory is damaged");
