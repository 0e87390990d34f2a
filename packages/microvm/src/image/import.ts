import { mkdir } from "node:fs/promises";
import { basename } from "node:path";
import { addAbortSignal, type Readable } from "node:stream";
import { EmberboxError } from "@emberbox/core";
import { ByteReader } from "../host/byte-reader.ts";
import { withLock } from "../host/lock.ts";
import { requireOwnDirectory } from "../host/own-directory.ts";
import { publish } from "./build.ts";
import { describe, findFinished, type GuestImage, lockOfImages } from "./guest-image.ts";
import { damaged, type ImageManifest, partsOf, readHeader, refused } from "./image-file.ts";
import type { Progress } from "./progress.ts";
import { readScripts, type Recipe } from "./recipe.ts";
import { makeResult, removeBuild, removeStale } from "./scratch.ts";
import { unpack } from "./unpack.ts";

export interface Import {
  /** The directory that holds all images. */
  readonly images: string;
  /** The file, which anybody may have written. It is closed in the end. */
  readonly file: Readable;
  /** What this version makes images by: others are refused. */
  readonly recipes: readonly Recipe[];
  /** An ed25519 public key as PEM: what is not signed by its other half is refused. */
  readonly publicKey?: string | undefined;
  readonly onProgress: (progress: Progress) => void;
  readonly signal?: AbortSignal | undefined;
}

/** The image that a file was for. */
export interface Imported {
  readonly image: GuestImage;
  /** False if it was there already, and was left as it is. */
  readonly isNew: boolean;
}

/**
 * Unpacks an exported image, which is complete or not there at all.
 * @throws `invalid_argument` for a file that is damaged, not signed as it should be, or another version's;
 * `host_disk_full`
 */
export async function importImage(options: Import): Promise<Imported> {
  const { images, file, recipes, publicKey, onProgress, signal } = options;
  requireOwnDirectory(images);
  if (signal) addAbortSignal(signal, file);
  const packed = new ByteReader(file);
  const leave = async (image: GuestImage): Promise<Imported> => {
    // A program that writes the file to a pipe has not failed.
    for await (const _ of packed.take(Infinity));
    return { image, isNew: false };
  };
  try {
    const manifest = await readHeader(packed, publicKey);
    const [recipe, image] = await recognise(manifest, recipes, images);
    if (manifest.members.at(-1)!.bytes !== recipe.diskMiB * 1024 * 1024)
      throw damaged("its disk has another size");
    if (await findFinished(image)) return await leave(image);
    await mkdir(images, { recursive: true, mode: 0o700 });
    const locked = async (): Promise<Imported> => {
      if (await findFinished(image)) return leave(image);
      await removeStale(images);
      const result = await makeResult(images);
      try {
        const giveUp = (): void => void file.destroy();
        await unpack(packed, manifest.members, result, { onProgress, giveUp });
        signal?.throwIfAborted();
        await publish(result, image.directory);
        return { image, isNew: true };
      } catch (error) {
        await removeBuild(result);
        throw error;
      }
    };
    const onWait = (): void => onProgress({ step: "waiting for another build", fraction: 0 });
    return await withLock(lockOfImages(images), locked, { signal, onWait });
  } catch (error) {
    throw signal?.aborted ? signal.reason : ifFull(error, images);
  } finally {
    file.destroy();
  }
}

function ifFull(error: unknown, images: string): unknown {
  if ((error as NodeJS.ErrnoException).code !== "ENOSPC") return error;
  const message = `there is no space for the image in ${images}`;
  return new EmberboxError("host_disk_full", message, { cause: error });
}

/** Which of this version's images it is. */
async function recognise(
  { key, parts }: ImageManifest,
  recipes: readonly Recipe[],
  images: string,
): Promise<[recipe: Recipe, image: GuestImage]> {
  const known = await Promise.all(
    recipes.map(async (recipe) => [recipe, await describe(images, recipe)] as const),
  );
  const found = known.find(([, { directory }]) => basename(directory) === key);
  if (found) return [...found];
  const hint =
    "Export it with this version of Emberbox (`emberbox build`, `emberbox image export FILE`), or build it here (`emberbox build`).";
  const name = key.replace(/-[0-9a-f]{16}$/, "");
  const same = known.find(([recipe]) => recipe.name === name);
  if (same === undefined) {
    const names = [...new Set(recipes.map((recipe) => recipe.name))].join(", ");
    throw refused(
      `it is of ${key}, and this version has no ${name} for this machine, only ${names}`,
      hint,
    );
  }
  const [recipe, { directory }] = same;
  // Only names of our own are shown.
  const own = Object.entries(partsOf(recipe, await readScripts(recipe)));
  const others = own.filter(([part, digest]) => parts[part] !== digest).map(([part]) => part);
  throw refused(
    `it is of ${key}, and this version needs ${basename(directory)}, which differs in ${others.join(", ") || "more than is known here"}`,
    hint,
  );
}
