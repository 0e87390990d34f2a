import type { TemplateInfo } from "@emberbox/core/provider";
import type { TemplateName } from "./recipe.ts";

function standard(name: TemplateName, release: number): TemplateInfo {
  return {
    name,
    languages: ["python", "javascript", "typescript", "bash"],
    libraries: { python: ["numpy", "pandas", "matplotlib", "scikit-learn"] },
    system: `Debian ${release}`,
  };
}

function withR(name: TemplateName, release: number): TemplateInfo {
  const { languages, libraries, ...rest } = standard(name, release);
  return {
    ...rest,
    languages: [...languages, "r"],
    libraries: { ...libraries, r: ["ggplot2", "dplyr", "tidyr", "readr", "jsonlite"] },
  };
}

/** What the recipes make. Kept apart from them, so that describing an image does not change its digest. */
const facts: Readonly<Record<TemplateName, TemplateInfo>> = {
  default: standard("default", 13),
  r: withR("r", 13),
  "debian-12": standard("debian-12", 12),
  "debian-12-r": withR("debian-12-r", 12),
  "debian-13": standard("debian-13", 13),
  "debian-13-r": withR("debian-13-r", 13),
};

/** The templates that this engine has: their names, languages and libraries. */
export const templateInfos: readonly TemplateInfo[] = Object.values(facts);
