import type { TemplateInfo } from "@emberbox/core/provider";
import type { TemplateName } from "./recipe.ts";

const standard = {
  languages: ["python", "javascript", "typescript", "bash"],
  libraries: { python: ["numpy", "pandas", "matplotlib", "scikit-learn"] },
  system: "Debian 12",
};

/** What the recipes make. Kept apart from them, so that describing an image does not change its digest. */
const facts: Readonly<Record<TemplateName, TemplateInfo>> = {
  default: { ...standard, name: "default" },
  r: {
    ...standard,
    name: "r",
    languages: [...standard.languages, "r"],
    libraries: {
      ...standard.libraries,
      r: ["ggplot2", "dplyr", "tidyr", "readr", "jsonlite"],
    },
  },
};

/** The templates that this engine has: their names, languages and libraries. */
export const templateInfos: readonly TemplateInfo[] = Object.values(facts);
