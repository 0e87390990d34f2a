// The public API of `@emberbox/core/template`: what a template of one's own is made of, for providers.
import "../supported-node.ts";

export { quote } from "../shell-quote.ts";
export { resolveTemplate } from "../template/resolve.ts";
export type { BuildTemplateOptions } from "../provider.ts";
export { DEFAULT_TAG } from "../template-request.ts";
export { USUAL_PATH } from "../templates.ts";
export type {
  BuiltTemplate,
  CopyEntry,
  ImageSource,
  TemplateLog,
  TemplateRequest,
  TemplateStep,
  TemplateTag,
} from "../template-request.ts";
