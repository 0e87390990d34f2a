/** A thread that writes an image of folders: that reads and copies for seconds, which nothing else has to wait for. */
import { closeSync, openSync, writeFileSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { gzipSync } from "node:zlib";
import { type Folder, type ImageLimits, TooLarge, writeImage } from "./write-image.ts";

export interface WriteRequest {
  /** The image, and beside it one file for each folder: what it has, as JSON that is compressed. All are new. */
  readonly target: string;
  readonly folders: readonly (Folder & { readonly baseline: string; readonly digest: string })[];
  /** 16 bytes, as hex. */
  readonly id: string;
  readonly limits: ImageLimits;
}

export type WriteNews =
  | { readonly kind: "progress"; readonly files: number; readonly bytes: number }
  | { readonly kind: "done"; readonly missing: readonly string[] }
  | { readonly kind: "tooLarge"; readonly message: string };

const TELL_MS = 1000;
/** Where text is compressed, it is for space's sake, not by much. */
const LEVEL = 1;

const { target, folders, id, limits } = workerData as WriteRequest;
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
const tell = (news: WriteNews): void => parentPort!.postMessage(news);
let [files, bytes, toldAt] = [0, 0, performance.now()];
const file = openSync(target, "wx", 0o600);
try {
  const written = writeImage(file, folders, {
    id: Buffer.from(id, "hex"),
    limits,
    onFile(size) {
      files++;
      bytes += size;
      if (performance.now() - toldAt < TELL_MS) return;
      toldAt = performance.now();
      tell({ kind: "progress", files, bytes });
    },
  });
  folders.forEach(({ baseline, digest }, index) => {
    const text = JSON.stringify({ digest, entries: written[index]!.entries });
    writeFileSync(baseline, gzipSync(text, { level: LEVEL }), { flag: "wx", mode: 0o600 });
  });
  const missing = written.flatMap((folder) =>
    folder.missing.map(({ path, reason }) => `${path} (${reason})`),
  );
  tell({ kind: "done", missing });
} catch (error) {
  if (!(error instanceof TooLarge)) throw error;
  tell({ kind: "tooLarge", message: error.message });
} finally {
  closeSync(file);
}
