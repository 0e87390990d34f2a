import type { NetworkCeiling } from "@emberbox/core/network";
import { notifier } from "@emberbox/core/background";
import { paths } from "../host/paths.ts";
import { ensureImage, type GuestImage, type Progress } from "../image/index.ts";
import { openEngine } from "../provider/engine.ts";
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

/** Builds the image of a template and warms it in a shape, unless that is done already. @throws `unknown_template` */
export async function prepare(options: PrepareOptions = {}): Promise<Preparation> {
  const { template = "default", memoryMB, cpuCount, networkCeiling } = options;
  const { onImage, onTemplate, signal } = options;
  const shape = resolveCreateOptions({ template, memoryMB, cpuCount, networkCeiling });
  const { images } = paths();
  const image = await ensureImage({
    images,
    template,
    onProgress: notifier("onImage", onImage),
    signal,
  });
  const engine = openEngine({ onProgress: notifier("onTemplate", onTemplate) });
  return { image, template: await engine.template(shape, signal) };
}
