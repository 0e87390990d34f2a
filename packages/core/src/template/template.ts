import { providerOf } from "../default-provider.ts";
import type { BuildTemplateOptions, SandboxProvider, SignalOptions } from "../provider.ts";
import type { ProviderOptions } from "../sandbox-options.ts";
import { parseSignal, unsupported } from "../state.ts";
import { Template as begin, type TemplateBuilder } from "./builder.ts";
import type { TemplateOptions } from "./builder-options.ts";
import {
  parseBuildOptions,
  parseTaggedName,
  parseTags,
  parseTemplateName,
} from "../template-options.ts";
import { type BuiltTemplate, DEFAULT_TAG, type TemplateTag } from "../template-request.ts";
import { resolveTemplate } from "./resolve.ts";

/** `Template()` begins a template of one's own; its methods build, find, tag and delete them. */
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
  /** Whether sandboxes can be created from a template of one's own, as `name` or `name:tag`. @throws `unsupported` */
  exists(name: string, options?: SignalOptions & ProviderOptions): Promise<boolean>;
  /** One's own templates, by name: each build that has a tag. @throws `unsupported` */
  list(options?: SignalOptions & ProviderOptions): Promise<BuiltTemplate[]>;
  /**
   * Deletes a template with all its tags. Resolves to false when there is none. Its sandboxes live on.
   * @throws `unsupported`
   */
  delete(name: string, options?: SignalOptions & ProviderOptions): Promise<boolean>;
  /**
   * Gives a build, named as `name` or `name:tag`, further tags; other builds that had one lose it. A build without a
   * tag goes away.
   * @throws `unknown_template`, `unsupported`
   */
  assignTags(
    name: string,
    tags: string | readonly string[],
    options?: SignalOptions & ProviderOptions,
  ): Promise<BuiltTemplate>;
  /**
   * Takes tags from a template's builds; a build without a tag goes away. Resolves to false when none had one of them.
   * @throws `unsupported`
   */
  removeTags(
    name: string,
    tags: string | readonly string[],
    options?: SignalOptions & ProviderOptions,
  ): Promise<boolean>;
  /** A template's tags, by name; none of a template that does not exist. @throws `unsupported` */
  getTags(name: string, options?: SignalOptions & ProviderOptions): Promise<TemplateTag[]>;
}

/** Begins, builds, lists, tags and deletes templates of one's own. */
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
    const [wanted, tag = DEFAULT_TAG] = parseTaggedName(name).split(":");
    return (await list(options)).some(
      (template) => template.name === wanted && template.tags.includes(tag),
    );
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
  async assignTags(
    name: string,
    tags: string | readonly string[],
    { provider, ...given }: SignalOptions & ProviderOptions = {},
  ): Promise<BuiltTemplate> {
    const options = parseSignal(given);
    const by = await providerOf({ provider });
    if (!by.tagTemplate) throw noTemplates(by);
    return by.tagTemplate(parseTaggedName(name), parseTags([tags].flat()), options);
  },
  async removeTags(
    name: string,
    tags: string | readonly string[],
    { provider, ...given }: SignalOptions & ProviderOptions = {},
  ): Promise<boolean> {
    const options = parseSignal(given);
    const by = await providerOf({ provider });
    if (!by.untagTemplate) throw noTemplates(by);
    return by.untagTemplate(parseTemplateName(name), parseTags([tags].flat()), options);
  },
  async getTags(
    name: string,
    { provider, ...given }: SignalOptions & ProviderOptions = {},
  ): Promise<TemplateTag[]> {
    const options = parseSignal(given);
    const by = await providerOf({ provider });
    if (!by.listTemplateTags) throw noTemplates(by);
    return by.listTemplateTags(parseTemplateName(name), options);
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
