import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import zlib from "node:zlib";
import { ByteReader } from "../host/byte-reader.ts";
import { writeSparsely } from "../host/sparse.ts";
import { damaged, type Member, ZSTD_WINDOW_LOG } from "./image-file.ts";
import type { Progress } from "./progress.ts";

interface Unpacking {
  readonly onProgress: (progress: Progress) => void;
  /** Called when there is something wrong: it ends the file. */
  readonly giveUp: () => void;
}

const BEHIND = "there is something behind its end";

/** Writes an image's files into a directory of ours, and refuses what is not exactly what was announced. */
export async function unpack(
  packed: ByteReader,
  members: readonly Member[],
  directory: string,
  { onProgress, giveUp }: Unpacking,
): Promise<void> {
  const total = members.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  const decompress = zlib.createZstdDecompress({
    chunkSize: 1024 * 1024,
    params: { [zlib.constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG },
  });
  // Whatever is wrong, no more of the file is waited for.
  decompress.once("error", giveUp);
  const start = packed.position;
  let isComplete = false;
  const write = async (stream: AsyncIterable<Buffer>): Promise<void> => {
    const plain = new ByteReader(stream);
    for (const member of members)
      await writeMember(plain, member, directory, (bytes) => {
        done += bytes;
        onProgress({ step: "unpacking the image", fraction: done / total });
      });
    if (!(await plain.isAtEnd())) throw damaged("there is more in it than it says");
    isComplete = true;
  };
  try {
    await pipeline(packed.take(Infinity), decompress, write);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code?.startsWith("Z")) throw damaged("it cannot be unpacked", error);
    // Node 26 ends with an abort then.
    throw isComplete ? damaged(BEHIND, error) : error;
  }
  // Node leaves alone what came together with the end of the frame.
  if (packed.position - start !== decompress.bytesWritten || !(await packed.isAtEnd()))
    throw damaged(BEHIND);
}

async function writeMember(
  plain: ByteReader,
  { name, bytes, sha256 }: Member,
  directory: string,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const hash = createHash("sha256");
  const file = await open(join(directory, name), "wx");
  try {
    await file.chmod(0o644);
    await file.truncate(bytes);
    let at = 0;
    for await (const chunk of plain.take(bytes)) {
      hash.update(chunk);
      await writeSparsely(file, chunk, at);
      at += chunk.length;
      onBytes(chunk.length);
    }
    if (at !== bytes) throw damaged(`its ${name} is cut`);
    if (hash.digest("hex") !== sha256) throw damaged(`its ${name} is not what it was`);
    await file.sync();
  } finally {
    await file.close();
  }
}
