import { globExpression } from "./glob.ts";

/** Whether something is left out; what is in a directory that is left out is left out, too, which this does not say. */
export type IsIgnored = (path: string, isDirectory: boolean) => boolean;

interface Rule {
  readonly expression: RegExp;
  readonly isException: boolean;
  readonly onlyDirectories: boolean;
}

/** What lines in the form of `.gitignore` leave out; the last one that fits decides. @throws `invalid_argument` */
export function ignorePatterns(lines: readonly string[]): IsIgnored {
  const rules = lines.flatMap(ruleOf);
  return (path, isDirectory) => {
    const fits = ({ expression, onlyDirectories }: Rule): boolean =>
      (isDirectory || !onlyDirectories) && expression.test(path);
    return rules.findLast(fits)?.isException === false;
  };
}

/** A pattern with a `/` that is not its last character begins at the folder; others fit at any depth. */
function ruleOf(line: string): Rule[] {
  const trimmed = line.replace(/\r$/, "").replace(/(?<!\\) +$/, "");
  if (trimmed.startsWith("#")) return [];
  const isException = trimmed.startsWith("!");
  const text = isException ? trimmed.slice(1) : trimmed;
  const onlyDirectories = text.endsWith("/");
  const pattern = onlyDirectories ? text.slice(0, -1) : text;
  if (pattern === "") return [];
  const expression = globExpression(
    pattern.includes("/") ? pattern.replace(/^\//, "") : `**/${pattern}`,
  );
  return [{ expression, isException, onlyDirectories }];
}
