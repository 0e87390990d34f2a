import { readyInfos, templateInfos } from "@emberbox/microvm/internal";
import { UsageError } from "./failure.ts";

export const templateNames: readonly string[] = templateInfos.map(({ name }) => name);

/** Those that come as recipes, and have no image of their own. */
export const readyNames: readonly string[] = readyInfos.map(({ name }) => name);

/** Reads the name of a template or of a recipe on the command line. */
export function parseTemplateOrRecipe(name: string): string {
  return readyNames.includes(name) ? name : parseTemplate(name);
}

/** Reads the name of a template on the command line. */
export function parseTemplate(name: string): string {
  if (templateNames.includes(name)) return name;
  throw new UsageError(
    `there is no template \`${name}\``,
    `The templates are: ${templateNames.join(", ")}.`,
  );
}
