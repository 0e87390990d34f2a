import { Template } from "@emberbox/core";
import { LANGUAGE_VARIABLE } from "../build/warm-language.ts";
import type { ReadyTemplate } from "./ready-template.ts";

/** The default template, where code is JavaScript unless it is said to be something else. */
export const node: ReadyTemplate = {
  info: {
    name: "node",
    languages: ["javascript", "typescript", "python", "bash"],
    libraries: {},
    system: "Debian 13, Node 24",
  },
  recipe: () =>
    Template()
      .fromBaseImage()
      .setEnvs({ [LANGUAGE_VARIABLE]: "javascript" }),
};
