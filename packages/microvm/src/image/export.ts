import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { basename, join } from "node:path";
import { pipeline } from "node:stream/promises";
import zlib, { type ZstdCompress } from "node:zlib";
import { EmberboxError } from "@emberbox/core";
import { describe } from "./guest-image.ts";
import { type Member, memberNames, partsOf, writeHeader, ZSTD_WINDOW_LOG } from "./image-file.ts";
import type { Progress } from "./progress.ts";
import { readScripts, type Recipe } from "./recipe.ts";
import { signer } from "./signature.ts";

export interface Export {
  /** The directory that holds all images. */
  readonly images: string;
  readonly recipe: Recipe;
  /** Called with the file, piece by piece, each when the one before it is written. */
  readonly write: (bytes: Buffer) => Promise<void>;
  /** An ed25519 private key as PEM. */
  readonly signingKey?: string | undefined;
  readonly onProgress: (progress: Progress) => void;
  readonly signal?: AbortSignal | undefined;
}

const CHUNK_BYTES = 1024 * 1024;

/**
 * Writes a finished image as one file, the same for the same image.
 * @throws `image_missing`, `invalid_argument`
 */
export async function exportImage(options: Export): Promise<void> {
  const { images, recipe, write, signingKey, onProgress, signal } = options;
  const { directory } = await describe(images, recipe);
  const key = basename(directory);
  const sign = signingKey === undefined ? undefined : signer(signingKey);
  const build = `\`emberbox build ${recipe.name}\``;
  const files = await openMembers(directory, `Run ${build}.`);
  try {
    const sizes = await Promise.all(files.map(async (file) => (await file.stat()).size));
    if (sizes.at(-1) !== recipe.diskMiB * 1024 * 1024)
      throw new EmberboxError("image_missing", `the image in ${directory} is damaged`, {
        hint: `Remove that directory, and run ${build}.`,
      });
    const report = reporter(
      sizes.reduce((sum, bytes) => sum + bytes, 0),
      onProgress,
    );
    const members: Member[] = [];
    for (const [index, name] of memberNames.entries()) {
      const hash = createHash("sha256");
      for await (const chunk of chunksOf(files[index]!, signal)) {
        hash.update(chunk);
        report("reading the image", chunk.length);
      }
      members.push({ name, bytes: sizes[index]!, sha256: hash.digest("hex") });
    }
    const parts = partsOf(recipe, await readScripts(recipe));
    await write(writeHeader({ key, parts, members }, sign));
    const plain = async function* (): AsyncGenerator<Buffer> {
      for (const file of files)
        for await (const chunk of chunksOf(file, signal)) {
          yield chunk;
          report("compressing the image", chunk.length);
        }
    };
    await pipeline(plain, compressor(), async (compressed: AsyncIterable<Buffer>) => {
      for await (const chunk of compressed) await write(chunk);
    });
  } catch (error) {
    throw signal?.aborted ? signal.reason : error;
  } finally {
    for (const file of files) await file.close();
  }
}

/** Once they are open, they can be read even if the image is removed. */
async function openMembers(directory: string, hint: string): Promise<FileHandle[]> {
  const files: FileHandle[] = [];
  try {
    for (const name of memberNames) files.push(await open(join(directory, name), "r"));
    return files;
  } catch (error) {
    for (const file of files) await file.close();
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    const message = `there is no image in ${directory}`;
    throw new EmberboxError("image_missing", message, { hint, cause: error });
  }
}

async function* chunksOf(
  file: FileHandle,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer> {
  const chunks = file.createReadStream({ start: 0, autoClose: false, highWaterMark: CHUNK_BYTES });
  for await (const chunk of chunks) {
    signal?.throwIfAborted();
    yield chunk as Buffer;
  }
}

const compressor = (): ZstdCompress =>
  zlib.createZstdCompress({
    chunkSize: CHUNK_BYTES,
    params: { [zlib.constants.ZSTD_c_windowLog]: ZSTD_WINDOW_LOG },
  });

/** Counts the bytes of both passes. */
function reporter(
  total: number,
  onProgress: Export["onProgress"],
): (step: string, bytes: number) => void {
  let done = 0;
  return (step, bytes) => {
    done += bytes;
    onProgress({ step, fraction: done / total / 2 });
  };
}
