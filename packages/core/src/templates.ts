import type { SandboxProvider, TemplateInfo } from "./provider.ts";

export const DEFAULT_TEMPLATE = "default";
/** The template that has the gateway to MCP servers, as in E2B. */
export const MCP_TEMPLATE = "mcp-gateway";
/** Of the templates that providers offer: what `ENV PATH=/opt/bin:$PATH` of a Dockerfile adds to. */
export const USUAL_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** What every provider's default template contains; the conformance suite holds providers to it. */
export const usualTemplate: TemplateInfo = {
  name: DEFAULT_TEMPLATE,
  languages: ["python", "javascript", "typescript", "bash"],
  libraries: { python: ["numpy", "pandas", "matplotlib"] },
};

/** The templates of a provider; one that lists none, or is not known yet, has the default one. */
export function templatesOf(
  provider?: Pick<SandboxProvider, "templates">,
): readonly TemplateInfo[] {
  return provider?.templates?.() ?? [usualTemplate];
}
