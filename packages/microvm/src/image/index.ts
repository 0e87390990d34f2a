import { mkdir } from "node:fs/promises";
import { EmberboxError } from "@emberbox/core";
import { notifier } from "@emberbox/core/background";
import type { Architecture } from "../host/architecture.ts";
import { withLock } from "../host/lock.ts";
import { requireOwnDirectory } from "../host/own-directory.ts";
import { build, publish } from "./build.ts";
import { checkSpace, checkTools } from "./check.ts";
import {
  describe,
  findFinished,
  findImage,
  type GuestImage,
  lockOfImages,
  recipeOf,
} from "./guest-image.ts";
import { type Progress, ProgressReader } from "./progress.ts";
import { readScripts, type Recipe } from "./recipe.ts";
import { makeScratch, removeBuild, removeStale, removeWork, SCRATCH_PARENT } from "./scratch.ts";

export { findImage, type GuestImage, lockOfImages } from "./guest-image.ts";
export { inWords, type Progress } from "./progress.ts";
export { templateInfos } from "./template-infos.ts";
export { isTemplateName } from "./recipe.ts";
export { removeBuild } from "./scratch.ts";

export interface EnsureImageOptions {
  /** The directory that holds all images. */
  readonly images: string;
  readonly template: string;
  /** @default the host's */
  readonly architecture?: Architecture | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The image of a template that somebody wants to use, built if it is not there and may be.
 * @throws `unknown_template`, `image_missing`
 */
export async function obtainImage(
  options: EnsureImageOptions,
  mayBuild: boolean,
): Promise<GuestImage> {
  if (mayBuild) return ensureImage(options);
  const { images, template, architecture } = options;
  const image = await findImage(images, template, architecture);
  if (image) return image;
  const build = template === "default" ? "emberbox build" : `emberbox build ${template}`;
  throw new EmberboxError(
    "image_missing",
    `there is no guest image for the template \`${template}\` in ${images}, and none may be built unasked`,
    { hint: `Run \`${build}\`, or \`emberbox image import FILE\`.` },
  );
}

/**
 * The image for a template's current recipe, built if it is not there. Concurrent builds wait for each other. @throws
 * `unknown_template`
 */
export async function ensureImage({
  images,
  template,
  architecture,
  onProgress,
  signal,
}: EnsureImageOptions): Promise<GuestImage> {
  const recipe = recipeOf(template, architecture);
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
    await build({ recipe, scripts: await readScripts(recipe), scratch, progress, signal, lock });
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
