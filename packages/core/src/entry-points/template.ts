// The public API of `@emberbox/core/template`: what a template of one's own is made of, for providers.
import "../supported-node.ts";

export { quote } from "../shell-quote.ts";
export type { BuildTemplateOptions } from "../provider.ts";
export { USUAL_PATH } from "../templates.ts";
export type {
  BuiltTemplate,
  CopyEntry,
  ImageSource,
  TemplateLog,
  TemplateRequest,
  TemplateStep,
} from "../template-request.ts";
