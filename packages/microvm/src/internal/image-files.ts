import { basename } from "node:path";
import type { Readable } from "node:stream";
import { notifier } from "@emberbox/core/background";
import { paths } from "../host/paths.ts";
import { exportImage as exportFrom } from "../image/export.ts";
import { describe, recipeOf } from "../image/guest-image.ts";
import { type Imported, importImage as importInto } from "../image/import.ts";
import type { Progress } from "../image/index.ts";
import { templateNames } from "../image/recipe.ts";

/** Which image to export, and where to. */
export interface ExportImageOptions {
  /** @default "default" */
  readonly template?: string | undefined;
  /** Writes the next piece of the file. A failure ends the export. */
  readonly write: (bytes: Buffer) => Promise<void>;
  /** An ed25519 private key as PEM. @default the file is not signed */
  readonly signingKey?: string | undefined;
  /** Called often. An error that it throws stops nothing. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What to import. */
export interface ImportImageOptions {
  /** An exported image. It is closed in the end. */
  readonly file: Readable;
  /** An ed25519 public key as PEM: the file has to be signed by its other half. @default signatures are not looked at */
  readonly publicKey?: string | undefined;
  /** Called often. An error that it throws stops nothing. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The name of a template's image, which changes when the image would. @throws `unknown_template` */
export async function imageKey(template: string = "default"): Promise<string> {
  return basename((await describe(paths().images, recipeOf(template))).directory);
}

/** Writes a template's image as one file. @throws `unknown_template`, `image_missing`, `invalid_argument` */
export async function exportImage(options: ExportImageOptions): Promise<void> {
  const { template = "default", onProgress, ...rest } = options;
  await exportFrom({
    ...rest,
    images: paths().images,
    recipe: recipeOf(template),
    onProgress: notifier("onProgress", onProgress),
  });
}

/** Makes an exported image this machine's, unless it has it already. @throws `invalid_argument`, `host_disk_full` */
export async function importImage({ onProgress, ...rest }: ImportImageOptions): Promise<Imported> {
  return importInto({
    ...rest,
    images: paths().images,
    recipes: templateNames.map((name) => recipeOf(name)),
    onProgress: notifier("onProgress", onProgress),
  });
}
