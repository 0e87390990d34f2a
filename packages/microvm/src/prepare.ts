import { openEngine } from "./engine.ts";
import { ensureImage, type GuestImage, type Progress } from "./image/index.ts";
import { resolveCreateOptions } from "./options.ts";
import { paths } from "./paths.ts";
import type { Template } from "./template/template.ts";

export interface PrepareOptions {
  readonly onImage?: ((progress: Progress) => void) | undefined;
  readonly onTemplate?: ((step: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Preparation {
  readonly image: GuestImage;
  readonly template: Template;
}

/** Builds the image and warms the template of the default shape, unless they are there. */
export async function prepare(options: PrepareOptions = {}): Promise<Preparation> {
  const { onImage, onTemplate, signal } = options;
  const image = await ensureImage({ images: paths().images, onProgress: onImage, signal });
  const engine = await openEngine({ onProgress: onTemplate });
  return { image, template: await engine.template(resolveCreateOptions({}), signal) };
}
