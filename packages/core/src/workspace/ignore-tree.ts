import { type Directory, readBeginning } from "./directory.ts";
import { ignoreRules, type IgnoreRule, isRuleFor } from "../ignore-rules.ts";
import { bytesOf, parentOf } from "./paths.ts";

/** The most that is read of an ignore file. */
const MAX_BYTES = 1024 * 1024;

interface Rules {
  readonly git: readonly IgnoreRule[];
  readonly own: readonly IgnoreRule[];
}

/**
 * The ignore rules of a folder: patterns that were given, then those of `.emberboxignore` and perhaps `.gitignore`, in
 * every directory, the innermost first. What is in a directory that is ignored is ignored.
 */
export class IgnoreTree {
  readonly #given: readonly IgnoreRule[];
  readonly #useGit: boolean;
  readonly #directories = new Map<string, Rules>();

  constructor(patterns: readonly string[] = [], useGit = false) {
    this.#given = patterns.flatMap((pattern) => ignoreRules(bytesOf(pattern)));
    this.#useGit = useGit;
  }

  /** Reads the ignore files of a directory. */
  enter(prefix: string, directory: Directory): void {
    const own = readRules(directory, ".emberboxignore");
    const git = this.#useGit ? readRules(directory, ".gitignore") : [];
    if (own.length > 0 || git.length > 0) this.#directories.set(prefix, { git, own });
  }

  /** The line that leaves something out whose parents are not left out. */
  ruleFor(path: string, isDirectory: boolean): string | undefined {
    const rule = this.#lastFor(path, isDirectory);
    return rule === undefined || rule.isException ? undefined : rule.line;
  }

  /** Whether something is left out, or a directory that it is in. */
  isIgnored(path: string, isDirectory: boolean): boolean {
    for (let end = path.indexOf("/"); end !== -1; end = path.indexOf("/", end + 1))
      if (this.ruleFor(path.slice(0, end), true) !== undefined) return true;
    return this.ruleFor(path, isDirectory) !== undefined;
  }

  #lastFor(path: string, isDirectory: boolean): IgnoreRule | undefined {
    const given = this.#given.findLast((rule) => isRuleFor(rule, path, isDirectory));
    if (given !== undefined || this.#directories.size === 0) return given;
    // Git does not ask its ignore files about its own directory.
    const isGit = /(?:^|\/)\.git(?:\/|$)/.test(path);
    for (let prefix = parentOf(path); ; prefix = parentOf(prefix)) {
      const rules = this.#directories.get(prefix);
      if (rules !== undefined) {
        const rest = prefix === "" ? path : path.slice(prefix.length + 1);
        const fits = (rule: IgnoreRule): boolean => isRuleFor(rule, rest, isDirectory);
        const found = rules.own.findLast(fits) ?? (isGit ? undefined : rules.git.findLast(fits));
        if (found !== undefined) return found;
      }
      if (prefix === "") return undefined;
    }
  }
}

/** A link in the place of an ignore file is none, as in git. */
function readRules(directory: Directory, name: string): IgnoreRule[] {
  try {
    return ignoreRules(readBeginning(directory, name, MAX_BYTES));
  } catch {
    return [];
  }
}
