import type { FileHandle } from "node:fs/promises";
import { z } from "zod";
import { writeSparsely } from "../host/sparse.ts";
import { broken } from "./layout.ts";

/** Where a piece belongs in the file, and how long it is. */
const schema = z
  .array(z.tuple([z.int().min(0), z.int().min(1)]))
  .min(1)
  .max(500_000);

/**
 * Writes the pieces of a file to their places, and leaves holes between them. Both the list and the data come from a
 * machine, which may say anything. @throws `template_build_failed`
 */
export async function writePieces(
  file: FileHandle,
  list: unknown,
  data: AsyncIterable<Uint8Array>,
  size: number,
): Promise<void> {
  const pieces = schema.safeParse(list).data;
  if (pieces === undefined || !isInOrder(pieces, size)) throw broken("its disk came in no order");
  await file.truncate(size);
  let index = 0;
  let done = 0;
  for await (const chunk of data) {
    for (let from = 0; from < chunk.length;) {
      const piece = pieces[index];
      if (piece === undefined) throw broken("its disk came with more than it should have");
      const [start, length] = piece;
      const part = chunk.subarray(from, from + length - done);
      const bytes = Buffer.from(part.buffer, part.byteOffset, part.length);
      await writeSparsely(file, bytes, start + done);
      from += part.length;
      done += part.length;
      if (done === length) [index, done] = [index + 1, 0];
    }
  }
  if (index !== pieces.length) throw broken("its disk came with less than it should have");
}

function isInOrder(pieces: readonly (readonly [number, number])[], size: number): boolean {
  let at = 0;
  return pieces.every(([start, length]) => {
    const isNext = start >= at;
    at = start + length;
    return isNext && at <= size;
  });
}
