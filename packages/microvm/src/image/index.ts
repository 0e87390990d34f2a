import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { EmberboxError } from "@emberbox/core";
import { notifier } from "@emberbox/core/background";
import { withLock } from "../host/lock.ts";
import { requireOwnDirectory } from "../host/own-directory.ts";
import { build, publish } from "./build.ts";
import { checkSpace, checkTools } from "./check.ts";
import { type Progress, ProgressReader } from "./progress.ts";
import {
  digestOf,
  isTemplateName,
  readScripts,
  type Recipe,
  recipes,
  templateNames,
} from "./recipe.ts";
import { makeScratch, removeBuild, removeStale, removeWork, SCRATCH_PARENT } from "./scratch.ts";

export type { Progress } from "./progress.ts";
export { templateInfos } from "./template-infos.ts";
export { isTemplateName } from "./recipe.ts";
export { removeBuild } from "./scratch.ts";

/** A finished image: what a machine boots from. All paths are absolute. */
export interface GuestImage {
  readonly directory: string;
  /** Names the recipe that it was made by. */
  readonly digest: string;
  readonly kernel: string;
  /** An initial file system, to which an archive with `agent/` is to be appended. */
  readonly initrd: string;
  /** A raw, sparse ext4 file system. */
  readonly rootfs: string;
}

export interface EnsureImageOptions {
  /** The directory that holds all images. */
  readonly images: string;
  readonly template: string;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Held while an image is built or removed. */
export const lockOfImages = (images: string): string => join(images, ".lock");

/** The finished image for a template's current recipe, if it is there. @throws `unknown_template` */
export async function findImage(images: string, template: string): Promise<GuestImage | undefined> {
  return findFinished(await describe(images, recipeOf(template)));
}

/** @throws `unknown_template` */
function recipeOf(template: string): Recipe {
  if (isTemplateName(template)) return recipes[template];
  throw new EmberboxError(
    "unknown_template",
    `there is no template \`${template}\`; the templates are: ${templateNames.join(", ")}`,
  );
}

/**
 * The image for a template's current recipe, built if it is not there. Concurrent builds wait for each other. @throws
 * `unknown_template`
 */
export async function ensureImage({
  images,
  template,
  onProgress,
  signal,
}: EnsureImageOptions): Promise<GuestImage> {
  const recipe = recipeOf(template);
  const image = await describe(images, recipe);
  const finished = await findFinished(image);
  if (finished) return finished;
  requireOwnDirectory(images);
  await checkTools();
  await mkdir(images, { recursive: true, mode: 0o700 });
  const progress = new ProgressReader(notifier("onProgress", onProgress));
  const locked = async (lock: { readonly fd: number }) =>
    (await findFinished(image)) ??
    (await buildImage(image, recipe, images, progress, signal, lock.fd));
  return withLock(lockOfImages(images), locked, {
    signal,
    onWait: () => progress.step("waiting for another build"),
  });
}

async function buildImage(
  image: GuestImage,
  recipe: Recipe,
  images: string,
  progress: ProgressReader,
  signal: AbortSignal | undefined,
  lock: number,
): Promise<GuestImage> {
  await removeStale(images);
  await checkSpace(SCRATCH_PARENT, images);
  const scratch = await makeScratch(images);
  try {
    await build({ recipe, scripts: await readScripts(), scratch, progress, signal, lock });
    await removeWork(scratch);
    await publish(scratch.result, image.directory);
  } catch (error) {
    await removeBuild(scratch.result);
    throw signal?.aborted ? signal.reason : asBuildError(error);
  }
  progress.step("done");
  return image;
}

function asBuildError(error: unknown): EmberboxError {
  if (EmberboxError.isInstance(error)) return error;
  const full = (error as NodeJS.ErrnoException).code === "ENOSPC";
  return new EmberboxError(
    full ? "host_disk_full" : "image_build_failed",
    (error as Error).message,
    { cause: error },
  );
}

async function describe(images: string, recipe: Recipe): Promise<GuestImage> {
  const digest = digestOf(recipe, await readScripts());
  const directory = join(images, `${recipe.name}-${digest}`);
  return {
    directory,
    digest,
    kernel: join(directory, "kernel"),
    initrd: join(directory, "initrd"),
    rootfs: join(directory, "rootfs"),
  };
}

/** A directory with its final name is complete: it got that name last. */
async function findFinished(image: GuestImage): Promise<GuestImage | undefined> {
  const there = await stat(image.directory).catch(() => undefined);
  return there?.isDirectory() ? image : undefined;
}
