import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { CopyEntry } from "../../template-request.ts";
import { END, headersOf, padding } from "../../tar/header.ts";

/** A tar archive of what a step copies, each under the name that `nameOf` gives it; files are read when it is their turn. */
export async function* tarOf(
  entries: readonly CopyEntry[],
  nameOf: (entry: CopyEntry) => string,
): AsyncGenerator<Buffer> {
  for (const entry of entries) {
    const { type, mode, source } = entry;
    const size = type === "file" ? (await stat(source!)).size : 0;
    const target = entry.target === undefined ? undefined : Buffer.from(entry.target);
    yield headersOf({ name: Buffer.from(nameOf(entry)), type, mode, size, target });
    if (type !== "file") continue;
    let read = 0;
    for await (const chunk of createReadStream(source!) as AsyncIterable<Buffer>) {
      read += chunk.length;
      yield chunk;
    }
    if (read !== size) throw new Error(`${source} changed while it was read`);
    yield padding(size);
  }
  yield END;
}
