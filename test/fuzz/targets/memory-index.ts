import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { readLayerIndex } from "../../../packages/microvm/src/memory/layer-index.ts";
import { check, type Target } from "../target.ts";

const directory = mkdtempSync(join(tmpdir(), "emberbox-fuzz-"));

/** Which pages a layer of memory holds, as by somebody who can make its checksum. */
export const target: Target = {
  share: 0.25,
  refuses: (error) => error instanceof Error && /the index of its memory/.test(error.message),
  async run(input) {
    const bytes = Buffer.concat([input, Buffer.alloc(4)]);
    bytes.writeUInt32LE(crc32(input), input.length);
    writeFileSync(join(directory, "memory.index"), bytes);
    const { pieces, regions } = await readLayerIndex(join(directory, "memory"));
    const runs = pieces.flatMap((piece) => piece.runs);
    const numbers = 2 + 4 + pieces.length * 5 + runs.length * 2;
    check(numbers * 4 + regions.size * 20 <= input.length, "more than was there");
    for (const { page, count } of runs)
      check(Number.isInteger(page) && Number.isInteger(count), "a run that is none");
    for (const piece of pieces)
      check(
        piece.runs.every(({ count }) => count <= 256),
        "more than a region has",
      );
  },
};
