import type { TemplateRequest, TemplateStep } from "../template-request.ts";

/** What is to be copied, before the files are looked at. */
export interface CopySources {
  readonly type: "COPY";
  /** Paths and patterns below the context. */
  readonly sources: readonly string[];
  readonly dest: string;
  readonly user?: string | undefined;
  readonly mode?: number | undefined;
}

/** A step as it was written: copies name their sources. */
export type RecipeStep =
  | Exclude<TemplateStep, { readonly type: "COPY" }>
  | (CopySources & { readonly origin?: string | undefined });

/** What a builder has written down. */
export interface Recipe extends Omit<TemplateRequest, "steps"> {
  readonly steps: readonly RecipeStep[];
  /** The directory that copies are made from; absolute. */
  readonly contextPath: string;
  /** What is not copied, after what `.dockerignore` says. */
  readonly ignorePatterns: readonly string[];
}
