import { providerOf } from "../default-provider.ts";
import type { BuildTemplateOptions, SandboxProvider, SignalOptions } from "../provider.ts";
import type { ProviderOptions } from "../sandbox-options.ts";
import { parseSignal, unsupported } from "../state.ts";
import { Template as begin, type TemplateBuilder } from "./builder.ts";
import type { TemplateOptions } from "./builder-options.ts";
import { parseBuildOptions, parseTemplateName } from "../template-options.ts";
import type { BuiltTemplate } from "../template-request.ts";
import { resolveTemplate } from "./resolve.ts";

/** `Template()` begins a template of one's own; its methods build, find and delete them. */
export interface TemplateFunction {
  /**
   * Begins a template of one's own. Unless a `from…` method says otherwise, it is made from the template `default`.
   * @throws `invalid_argument`
   */
  (options?: TemplateOptions): TemplateBuilder;
  /**
   * Builds a template, or finds it built: what it has in common with earlier builds is not done again. Without a
   * `provider`, it is for microVMs on this machine.
   * @throws `template_build_failed`, `unknown_template`, `unsupported`, and what reading the context's files throws
   */
  build(
    template: TemplateBuilder,
    options: BuildTemplateOptions & ProviderOptions,
  ): Promise<BuiltTemplate>;
  /** Whether there is a template of one's own by that name. @throws `unsupported` */
  exists(name: string, options?: SignalOptions & ProviderOptions): Promise<boolean>;
  /** One's own templates, by name. @throws `unsupported` */
  list(options?: SignalOptions & ProviderOptions): Promise<BuiltTemplate[]>;
  /** Resolves to false when there is no such template. Its sandboxes live on. @throws `unsupported` */
  delete(name: string, options?: SignalOptions & ProviderOptions): Promise<boolean>;
}

/** Begins, builds, lists and deletes templates of one's own. */
export const Template: TemplateFunction = Object.assign(begin, {
  async build(
    template: TemplateBuilder,
    { provider, ...given }: BuildTemplateOptions & ProviderOptions,
  ): Promise<BuiltTemplate> {
    const options = parseBuildOptions(given);
    const request = await resolveTemplate(template);
    options.signal?.throwIfAborted();
    const by = await providerOf({ provider });
    if (!by.buildTemplate) throw noTemplates(by);
    return by.buildTemplate(request, options);
  },
  async exists(name: string, options?: SignalOptions & ProviderOptions): Promise<boolean> {
    const wanted = parseTemplateName(name);
    return (await list(options)).some((template) => template.name === wanted);
  },
  list,
  async delete(
    name: string,
    { provider, ...given }: SignalOptions & ProviderOptions = {},
  ): Promise<boolean> {
    const options = parseSignal(given);
    const by = await providerOf({ provider });
    if (!by.deleteTemplate) throw noTemplates(by);
    return by.deleteTemplate(parseTemplateName(name), options);
  },
});

async function list({ provider, ...given }: SignalOptions & ProviderOptions = {}): Promise<
  BuiltTemplate[]
> {
  const options = parseSignal(given);
  const by = await providerOf({ provider });
  if (!by.listTemplates) throw noTemplates(by);
  return by.listTemplates(options);
}

const noTemplates = (provider: SandboxProvider) => unsupported(provider, "build templates");
