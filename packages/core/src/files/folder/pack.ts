import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { END, headersOf, padding } from "../../tar/header.ts";
import { inPieces } from "../../tar/pieces.ts";
import { type Folder, notReadable, type Scanned, under } from "./scan.ts";
import type { FolderProgress } from "./options.ts";

const READ_BYTES = 256 * 1024;
const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;

/** An archive of a folder, whose files are read when it is their turn. */
export async function* pack(
  root: string,
  { entries, bytes: totalBytes }: Folder,
  onProgress: ((progress: FolderProgress) => unknown) | undefined,
): AsyncGenerator<Buffer> {
  let files = 0;
  let bytes = 0;
  const all = async function* (): AsyncGenerator<Buffer> {
    for (const entry of entries) {
      for await (const piece of packOne(root, entry)) {
        bytes += piece.isContent ? piece.bytes.length : 0;
        yield piece.bytes;
      }
      if (entry.type === "file" || entry.type === "hardlink") files += 1;
    }
    yield END;
  };
  for await (const piece of inPieces(all())) {
    yield piece;
    await onProgress?.({ files, bytes, totalBytes });
  }
}

async function* packOne(
  root: string,
  entry: Scanned,
): AsyncGenerator<{ bytes: Buffer; isContent: boolean }> {
  const { path, type, size, target } = entry;
  const name = archived(path);
  const link = type === "hardlink" ? archived(target!) : target;
  yield { bytes: headersOf({ ...entry, name, target: link }), isContent: false };
  if (type !== "file" || size === 0) return;
  const file = await openFile(root, path);
  try {
    let left = size;
    while (left > 0) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(Math.min(left, READ_BYTES)));
      if (bytesRead === 0) throw changed(path);
      left -= bytesRead;
      yield { bytes: buffer.subarray(0, bytesRead), isContent: true };
    }
    yield { bytes: padding(size), isContent: false };
  } finally {
    await file.close();
  }
}

/** Opens what was a file when it was looked at; a link that took its place is not followed. */
async function openFile(root: string, path: Buffer): Promise<FileHandle> {
  const file = await open(under(root, path), O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch(
    (error: unknown) => {
      throw notReadable(error);
    },
  );
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw changed(path);
}

const archived = (path: Buffer): Buffer => Buffer.concat([Buffer.from("./"), path]);

const changed = (path: Buffer): Error =>
  notReadable(new Error(`${JSON.stringify(String(path))} changed while it was read`));
