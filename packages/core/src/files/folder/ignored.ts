import { ignoreRules, isRuleFor } from "../../ignore-rules.ts";

/**
 * Whether something is left out, by its path, each of whose characters is one byte. What is in a directory that is left
 * out is left out, too, which this does not say.
 */
export type IsIgnored = (path: string, isDirectory: boolean) => boolean;

/** What lines in the form of `.gitignore` leave out; the last one that fits decides. */
export function ignoredBy(patterns: readonly string[]): IsIgnored {
  const rules = patterns.flatMap((pattern) => ignoreRules(Buffer.from(pattern).toString("latin1")));
  return (path, isDirectory) =>
    rules.findLast((rule) => isRuleFor(rule, path, isDirectory))?.isException === false;
}
