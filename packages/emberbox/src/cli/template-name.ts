import { templateInfos } from "@emberbox/microvm/internal";
import { UsageError } from "./failure.ts";

export const templateNames: readonly string[] = templateInfos.map(({ name }) => name);

/** Reads the name of a template on the command line. */
export function parseTemplate(name: string): string {
  if (templateNames.includes(name)) return name;
  throw new UsageError(
    `there is no template \`${name}\``,
    `The templates are: ${templateNames.join(", ")}.`,
  );
}
