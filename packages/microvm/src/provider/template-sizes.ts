import { stat } from "node:fs/promises";
import { diskBytes } from "../host/disk-bytes.ts";
import { findImage } from "../image/index.ts";
import { readyInfos, readyTemplate } from "../ready/index.ts";
import { engineTemplates, machineTemplate } from "./mcp-template.ts";
import type { OwnTemplates } from "./own-templates.ts";

/** What the templates take that come with the engine, in bytes on disk; one that is not there is left out. */
export async function templateSizes(
  images: string,
  own: Pick<OwnTemplates, "buildsOf">,
): Promise<Record<string, number>> {
  const ofImage = async (name: string): Promise<number | undefined> => {
    const image = await findImage(images, machineTemplate(name));
    return image && diskBytes(await stat(image.rootfs));
  };
  const ofRecipe = async (name: string): Promise<number | undefined> => {
    const [built] = await own.buildsOf((await readyTemplate(name))!.builtAs);
    return built?.sizeBytes;
  };
  const sizes = await Promise.all([
    ...engineTemplates.map(async ({ name }) => [name, await ofImage(name)] as const),
    ...readyInfos.map(async ({ name }) => [name, await ofRecipe(name)] as const),
  ]);
  return Object.fromEntries(
    sizes.filter((pair): pair is readonly [string, number] => pair[1] !== undefined),
  );
}
