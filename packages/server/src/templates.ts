import { type SandboxProvider, templatesOf } from "@emberbox/core/provider";

/** E2B's names for templates, and what they are called here. */
const aliases: Readonly<Record<string, string>> = {
  base: "default",
  "code-interpreter-v1": "default",
};

/** The templates that the provider has. */
export class Templates {
  readonly #names: ReadonlySet<string>;

  constructor(provider: SandboxProvider) {
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

  /** True for a name that any tenant can make a sandbox from. */
  has(name: string): boolean {
    return this.#names.has(this.resolve(name));
  }
}
