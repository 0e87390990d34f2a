import { type SandboxProvider, templatesOf } from "@emberbox/core/provider";
import type { BuiltTemplate } from "@emberbox/core/template";

/** E2B's names for templates, and what they are called here. */
const aliases: Readonly<Record<string, string>> = {
  base: "default",
  "code-interpreter-v1": "default",
};

/** The templates that the provider has. */
export class Templates {
  readonly #names: ReadonlySet<string>;
  readonly #provider: SandboxProvider;

  constructor(provider: SandboxProvider) {
    this.#provider = provider;
    this.#names = new Set(templatesOf(provider).map(({ name }) => name));
  }

  /** Each of them, with the other names that it has. */
  all(): { name: string; aliases: string[] }[] {
    return [...this.#names].map((name) => ({
      name,
      aliases: Object.keys(aliases).filter((alias) => aliases[alias] === name),
    }));
  }

  /** The provider's name for a template; a snapshot's id or name is left unchanged. */
  resolve(name: string): string {
    const plain = name.replace(/:default$/, "");
    return aliases[plain] ?? (this.#names.has(plain) ? plain : name);
  }

  /** Those that the operator has built, which any tenant can use. */
  async built(): Promise<BuiltTemplate[]> {
    return (await this.#provider.listTemplates?.()) ?? [];
  }

  async findBuilt(name: string): Promise<BuiltTemplate | undefined> {
    const plain = name.replace(/:default$/, "");
    return (await this.built()).find((template) => template.name === plain);
  }

  /** Built ones only. */
  async delete(name: string): Promise<boolean> {
    const found = await this.findBuilt(name);
    return found !== undefined && ((await this.#provider.deleteTemplate?.(found.name)) ?? false);
  }

  /** True for a name that any tenant can make a sandbox from. */
  has(name: string): boolean {
    return this.#names.has(this.resolve(name));
  }
}
