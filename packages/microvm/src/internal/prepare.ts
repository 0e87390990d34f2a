import type { NetworkCeiling } from "@emberbox/core/network";
import { notifier } from "@emberbox/core/background";
import { paths } from "../host/paths.ts";
import { type GuestImage, obtainImage, type Progress } from "../image/index.ts";
import { mayBuild } from "../image/may-build.ts";
import { openEngine } from "../provider/engine.ts";
import { microvm } from "../provider/provider.ts";
import { resolveCreateOptions } from "../restore/create-options.ts";
import type { Template } from "../template/template.ts";

/** What to prepare, and who is told of the progress. */
export interface PrepareOptions {
  /** @default "default" */
  readonly template?: string | undefined;
  /** MiB. @default the engine's */
  readonly memoryMB?: number | undefined;
  /** @default the engine's */
  readonly cpuCount?: number | undefined;
  /** Builds the image even where `EMBERBOX_BUILD` forbids it: somebody asked for just that. @default false */
  readonly evenIfForbidden?: boolean | undefined;
  /** Only checked, so that an error in it is reported before the long work. */
  readonly networkCeiling?: NetworkCeiling | undefined;
  /** Called with each step of building the image. An error that it throws stops nothing. */
  readonly onImage?: ((progress: Progress) => void) | undefined;
  /** Called with each step of warming the template. An error that it throws stops nothing. */
  readonly onTemplate?: ((step: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What is ready: an image, and the template made from it. */
export interface Preparation {
  readonly image: GuestImage;
  readonly template: Template;
}

/** Builds a template that comes as a recipe, unless that is done already. */
export async function prepareReady(
  template: string,
  { onTemplate, signal }: Pick<PrepareOptions, "onTemplate" | "signal">,
): Promise<void> {
  await using provider = microvm({ onProgress: onTemplate, buildImages: true });
  await provider.prepare!({ template, signal });
}

/**
 * Builds the image of a template and warms it in a shape, unless that is done already. @throws `unknown_template`,
 * `image_missing`
 */
export async function prepare(options: PrepareOptions = {}): Promise<Preparation> {
  const { template = "default", memoryMB, cpuCount, networkCeiling } = options;
  const { evenIfForbidden = false, onImage, onTemplate, signal } = options;
  const shape = resolveCreateOptions({ template, memoryMB, cpuCount, networkCeiling });
  // A mistake in the variable is reported all the same.
  const build = mayBuild() || evenIfForbidden;
  const { images } = paths();
  const onProgress = notifier("onImage", onImage);
  const image = await obtainImage({ images, template, onProgress, signal }, build);
  const engine = openEngine({ onProgress: notifier("onTemplate", onTemplate) });
  return { image, template: await engine.template(shape, signal) };
}
