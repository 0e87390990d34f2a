import { join } from "node:path";
import type { AgentContext } from "../../context.ts";
import type { User } from "../../envd/users.ts";
import { environmentOf } from "../environment.ts";
import type { Kernel, KernelOptions, Language } from "../language.ts";
import { spawnKernel } from "../spawn.ts";
import { openConnection } from "./connection.ts";
import { JupyterKernel } from "./kernel.ts";
import { findKernelspecs, kernelDirectories, type Kernelspec } from "./kernelspecs.ts";

/** How long a kernel has for its first answer, in ms. */
const START_LIMIT_MS = 900_000;

export interface JupyterOptions {
  /** Where connection files are kept. */
  readonly directory: string;
  readonly context: AgentContext;
  /** Names that are taken by other languages. */
  readonly taken: ReadonlySet<string>;
}

/** The languages of the installed Jupyter kernels, looked up whenever one is asked for. */
export class JupyterLanguages {
  readonly #options: JupyterOptions;
  readonly #known = new Map<string, JupyterLanguage>();

  constructor(options: JupyterOptions) {
    this.#options = options;
  }

  /** The kernel of that name, otherwise one for the language of that name; the user's own come first. */
  find(name: string, user: User): Language | undefined {
    const specs = this.#specs(user);
    const spec =
      specs.find((one) => one.name.toLowerCase() === name) ??
      specs.find((one) => one.language === name);
    if (spec === undefined) return undefined;
    const shown = this.#nameOf(spec, specs);
    const key = JSON.stringify([shown, spec]);
    const language = this.#known.get(key) ?? new JupyterLanguage(spec, shown, this.#options);
    this.#known.set(key, language);
    return language;
  }

  /** The kernels' names, with their languages where those are named differently. */
  names(user: User): string[] {
    const { taken } = this.#options;
    const specs = this.#specs(user).filter(({ name }) => !taken.has(name.toLowerCase()));
    return specs.map(({ name, language }) => (name === language ? name : `${name} (${language})`));
  }

  /** The language's name, where it means this kernel; otherwise the kernel's. */
  #nameOf({ name, language }: Kernelspec, specs: readonly Kernelspec[]): string {
    const isFirst = specs.find((one) => one.language === language)?.name === name;
    return isFirst && !this.#options.taken.has(language) ? language : name;
  }

  #specs({ home }: User): Kernelspec[] {
    return findKernelspecs(kernelDirectories(home, this.#options.context.envs));
  }
}

/** A language, as described by the kernelspec of its Jupyter kernel. */
class JupyterLanguage implements Language {
  readonly name: string;
  readonly aliases: readonly string[] = [];
  readonly #spec: Kernelspec;
  readonly #options: JupyterOptions;

  constructor(spec: Kernelspec, name: string, options: JupyterOptions) {
    this.name = name;
    this.#spec = spec;
    this.#options = options;
  }

  async start({ user, cwd, envs }: KernelOptions): Promise<Kernel> {
    const { directory } = this.#options;
    const spec = this.#spec;
    let kernel: JupyterKernel | undefined;
    const connection = await openConnection({
      directory: join(directory, "jupyter"),
      owner: user,
      listener: {
        message: (channel, message) => kernel?.hear(channel, message),
        lost: () => kernel?.lost(),
      },
    });
    try {
      const [command, ...args] = spec.argv.map((word) =>
        word
          .replaceAll("{connection_file}", connection.file)
          .replaceAll("{resource_dir}", spec.directory),
      );
      const usual: Record<string, string> = { ...environmentOf(user), ...envs };
      const own = Object.entries(spec.env).map(([name, value]) => [
        name,
        value.replaceAll(/\$\{(\w+)\}/g, (_, other: string) => usual[other] ?? ""),
      ]);
      const options = { user, cwd, envs: { ...envs, ...Object.fromEntries(own) } };
      const started = await spawnKernel(command!, args, options, "ignore");
      kernel = new JupyterKernel(spec, started, connection);
    } catch (error) {
      connection[Symbol.dispose]();
      throw error;
    }
    const started = kernel;
    const late = setTimeout(
      () => started.kill(`did not answer within ${START_LIMIT_MS / 1000} s`),
      START_LIMIT_MS,
    );
    await started.ready.finally(() => clearTimeout(late));
    return started;
  }

  async warm(): Promise<void> {}

  close(): void {}
}
