import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { isDirectory } from "../envd/paths.ts";
import { findUser, type User } from "../envd/users.ts";
import { CodeContext } from "./code-context.ts";
import type { JupyterLanguages } from "./jupyter/index.ts";
import type { Language } from "./language.ts";
import { HttpProblem } from "./request.ts";

/** How many contexts may exist at once: each is a process. */
const MAX_CONTEXTS = 64;

export interface ContextsOptions {
  readonly languages: readonly Language[];
  /** Further languages, which may come and go. */
  readonly jupyter: JupyterLanguages;
  /** Where code of all users starts. */
  readonly home: string;
  readonly envs: () => Readonly<Record<string, string>>;
  /** Who runs code for which nobody is named. */
  readonly defaultUser: string;
  readonly log: (line: string) => void;
}

/** All contexts, and for each language and user the one that serves calls that name no context. */
export class Contexts {
  readonly #options: ContextsOptions;
  readonly #all = new Map<string, CodeContext>();
  readonly #defaults: CodeContext[] = [];

  constructor(options: ContextsOptions) {
    this.#options = options;
  }

  /** The default context of a language and a user; made on first use. */
  defaultOf(language: Language, user: string = this.#options.defaultUser): CodeContext {
    const known = this.#defaults.find((one) => one.language === language && one.user === user);
    if (known !== undefined) return known;
    const context = this.#add(language, this.#options.home, user);
    this.#defaults.push(context);
    return context;
  }

  async create(
    language: Language,
    cwd: string | undefined,
    user: string = this.#options.defaultUser,
  ): Promise<CodeContext> {
    const directory = resolve(this.#options.home, cwd ?? ".");
    if (!isDirectory(directory))
      throw new HttpProblem(400, `The working directory ${directory} does not exist.`);
    const context = this.#add(language, directory, user);
    try {
      await context.start();
    } catch (error) {
      this.remove(context.id);
      throw new HttpProblem(400, `The context could not be started: ${(error as Error).message}`);
    }
    return context;
  }

  find(id: string): CodeContext {
    const context = this.#all.get(id);
    if (context === undefined) throw new HttpProblem(404, `Context ${id} not found`, true);
    return context;
  }

  remove(id: string): void {
    const context = this.find(id);
    this.#all.delete(id);
    const index = this.#defaults.indexOf(context);
    if (index >= 0) this.#defaults.splice(index, 1);
    context.remove();
  }

  /** The language of that name, among those that the user has. */
  language(name: string, user: string = this.#options.defaultUser): Language {
    const wanted = name.toLowerCase();
    const { languages, jupyter } = this.#options;
    const own = languages.find((one) => one.name === wanted || one.aliases.includes(wanted));
    if (own !== undefined) return own;
    const account = userNamed(user);
    const installed = jupyter.find(wanted, account);
    if (installed !== undefined) return installed;
    const known = [...languages.map((one) => one.name), ...jupyter.names(account)].join(", ");
    throw new HttpProblem(
      400,
      `There is no language ${JSON.stringify(name)} here; known are: ${known}.`,
    );
  }

  all(): CodeContext[] {
    return [...this.#all.values()];
  }

  #add(language: Language, cwd: string, user: string): CodeContext {
    if (this.#all.size >= MAX_CONTEXTS)
      throw new HttpProblem(429, `There are ${MAX_CONTEXTS} contexts already; remove one first.`);
    // Not the agent's own generator, which copies of a snapshot share.
    const id = readFileSync("/proc/sys/kernel/random/uuid", "latin1").trim();
    const context = new CodeContext({
      id,
      language,
      cwd,
      envs: this.#options.envs,
      user: () => userNamed(user),
      log: this.#options.log,
    });
    this.#all.set(id, context);
    return context;
  }
}

function userNamed(name: string): User {
  try {
    return findUser(name);
  } catch (error) {
    throw new HttpProblem(400, (error as Error).message);
  }
}
