import type { NetworkCeiling } from "@emberbox/core";
import { notifier } from "@emberbox/core/background";
import { openEngine } from "./engine.ts";
import { ensureImage, type GuestImage, type Progress } from "./image/index.ts";
import { resolveCreateOptions } from "./options.ts";
import { paths } from "./paths.ts";
import type { Template } from "./template/template.ts";

export interface PrepareOptions {
  /** @default "default" */
  readonly template?: string | undefined;
  /** The engine's defaults otherwise. */
  readonly memoryMB?: number | undefined;
  readonly cpuCount?: number | undefined;
  /** Checked, so that what is wrong with it is said before long work. */
  readonly networkCeiling?: NetworkCeiling | undefined;
  /** Hears of the image's steps. What it throws stops nothing. */
  readonly onImage?: ((progress: Progress) => void) | undefined;
  /** Hears of the warming's steps. What it throws stops nothing. */
  readonly onTemplate?: ((step: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Preparation {
  readonly image: GuestImage;
  readonly template: Template;
}

/** Builds the image of a template and warms it in a shape, unless that was done. @throws `unknown_template` */
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
