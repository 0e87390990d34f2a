import { stat } from "node:fs/promises";
import { join } from "node:path";
import { EmberboxError } from "@emberbox/core";
import { type Architecture, HOST_ARCHITECTURE } from "../host/architecture.ts";
import {
  digestOf,
  isTemplateName,
  readScripts,
  type Recipe,
  recipeFor,
  templateNames,
} from "./recipe.ts";

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

/** Held while an image is built, imported or removed. */
export const lockOfImages = (images: string): string => join(images, ".lock");

/** The finished image for a template's current recipe, if it is there. @throws `unknown_template` */
export async function findImage(
  images: string,
  template: string,
  architecture?: Architecture,
): Promise<GuestImage | undefined> {
  return findFinished(await describe(images, recipeOf(template, architecture)));
}

/** @throws `unknown_template` */
export function recipeOf(template: string, architecture: Architecture = HOST_ARCHITECTURE): Recipe {
  if (isTemplateName(template)) return recipeFor(template, architecture);
  throw new EmberboxError(
    "unknown_template",
    `there is no template \`${template}\`; the templates are: ${templateNames.join(", ")}`,
  );
}

/** Where the image of a recipe is, or would be. */
export async function describe(images: string, recipe: Recipe): Promise<GuestImage> {
  const digest = digestOf(recipe, await readScripts(recipe));
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
export async function findFinished(image: GuestImage): Promise<GuestImage | undefined> {
  const there = await stat(image.directory).catch(() => undefined);
  return there?.isDirectory() ? image : undefined;
}
