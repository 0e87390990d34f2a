import { type SandboxProvider, type TemplateInfo, templatesOf } from "@emberbox/core/provider";
import { type BuiltTemplate, DEFAULT_TAG, type TemplateTag } from "@emberbox/core/template";
import { isUnknownTemplate, notImplemented, templateNotFound } from "./api-error.ts";
import type { BuildRows } from "./builds/rows.ts";
import type { Caller } from "./tenants.ts";

/** E2B's names for templates, and what they are called here. */
const aliases: Readonly<Record<string, string>> = {
  base: "default",
  "code-interpreter-v1": "default",
};

/** A build of a template of the operator's, as one of its tags names it. */
export interface FoundTemplate extends BuiltTemplate {
  /** The provider's name for it. */
  readonly reference: string;
}

/** A template that comes with the provider. */
export interface OfferedTemplate extends TemplateInfo {
  readonly aliases: readonly string[];
  /** On disk, once it is there. */
  readonly sizeBytes: number | undefined;
}

/** The templates that the provider has. */
export class Templates {
  readonly #names: ReadonlySet<string>;
  readonly #provider: SandboxProvider;
  readonly #rows: BuildRows;
  readonly #isShared: boolean;

  constructor(provider: SandboxProvider, rows: BuildRows, isShared: boolean) {
    this.#provider = provider;
    this.#rows = rows;
    this.#isShared = isShared;
    this.#names = new Set(templatesOf(provider).map(({ name }) => name));
  }

  /** Each of them, with the other names that it has. */
  async all(): Promise<OfferedTemplate[]> {
    const sizes = (await this.#provider.templateSizes?.()) ?? {};
    return templatesOf(this.#provider).map((info) =>
      Object.assign(
        {
          aliases: Object.keys(aliases).filter((alias) => aliases[alias] === info.name),
          sizeBytes: Object.hasOwn(sizes, info.name) ? sizes[info.name] : undefined,
        },
        info,
      ),
    );
  }

  /** The provider's name for a template; a snapshot's id or name is left unchanged. */
  resolve(name: string): string {
    const plain = name.replace(/:default$/, "");
    return aliases[plain] ?? (this.#names.has(plain) ? plain : name);
  }

  /** True for a name that any tenant can make a sandbox from. */
  has(name: string): boolean {
    return this.#names.has(this.resolve(name));
  }

  /** Whether a caller may use a template of the operator's: all may, unless it is not public. */
  mayUse({ isOperator }: Caller, name: string): boolean {
    return isOperator || !this.#isShared || this.#rows.isPublic(plainName(name));
  }

  /** The builds that the operator has made and the caller may use. */
  async built(caller: Caller): Promise<BuiltTemplate[]> {
    const all = (await this.#provider.listTemplates?.()) ?? [];
    return all.filter(({ name }) => this.mayUse(caller, name));
  }

  /** By `name` or `name:tag`. */
  async findBuilt(caller: Caller, full: string): Promise<FoundTemplate | undefined> {
    const [name = "", tag = DEFAULT_TAG] = full.split(":");
    const found = (await this.built(caller)).find(
      (template) => template.name === name && template.tags.includes(tag),
    );
    return found && { ...found, reference: tag === DEFAULT_TAG ? name : `${name}:${tag}` };
  }

  /** All builds of a template that have tags, the newest first; by its name, with or without a tag. */
  async buildsOf(caller: Caller, full: string): Promise<BuiltTemplate[]> {
    const name = plainName(full);
    return (await this.built(caller)).filter((template) => template.name === name);
  }

  /** Gives a build, `name` or `name:tag`, further tags. @throws 404 */
  tag(target: string, tags: readonly string[]): Promise<BuiltTemplate> {
    const tag = this.#provider.tagTemplate;
    if (tag === undefined) throw notImplemented("tagging templates");
    return tag.call(this.#provider, target, tags).catch((error: unknown) => {
      throw isUnknownTemplate(error) ? templateNotFound(target) : error;
    });
  }

  async untag(name: string, tags: readonly string[]): Promise<void> {
    await this.#provider.untagTemplate?.(name, tags);
  }

  async tagsOf(full: string): Promise<TemplateTag[]> {
    return (await this.#provider.listTemplateTags?.(plainName(full))) ?? [];
  }

  /** Built ones only: with a tag only that, else the whole template. */
  async delete(full: string): Promise<boolean> {
    const [name = "", tag] = full.split(":");
    if (tag !== undefined) return (await this.#provider.untagTemplate?.(name, [tag])) ?? false;
    const isDeleted = (await this.#provider.deleteTemplate?.(name)) ?? false;
    if (isDeleted) this.#rows.forget(name);
    return isDeleted;
  }
}

/** The name without a tag. */
export const plainName = (full: string): string => full.split(":", 1)[0]!;
