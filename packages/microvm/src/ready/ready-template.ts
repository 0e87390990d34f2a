import type { Template } from "@emberbox/core";
import type { TemplateInfo } from "@emberbox/core/provider";

/** A template that comes with the engine as a recipe, and is built when it is first wanted. */
export interface ReadyTemplate {
  readonly info: TemplateInfo;
  readonly recipe: () => ReturnType<typeof Template>;
}
