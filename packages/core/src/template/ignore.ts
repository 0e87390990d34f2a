import { readFile } from "node:fs/promises";
import { join, posix } from "node:path";
import { EmberboxError } from "../errors.ts";
import { globExpression } from "./glob.ts";

/** What is not copied from a context. */
export interface IgnoreRules {
  /** Of a path relative to the context. */
  readonly isIgnored: (path: string) => boolean;
  /** Whether there may be something to copy in a directory that is ignored. */
  readonly hasExceptions: boolean;
}

/** The rules in a context's `.dockerignore`, then the given ones; the last that fits decides. @throws `invalid_argument`, `invalid_path` */
export async function readIgnoreRules(
  context: string,
  patterns: readonly string[],
): Promise<IgnoreRules> {
  const file = await readFile(join(context, ".dockerignore"), "utf8").catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    const { message } = error as Error;
    throw new EmberboxError("invalid_path", `\`.dockerignore\` cannot be read: ${message}`);
  });
  const lines = file.replace(/^\u{FEFF}/u, "").split("\n");
  const rules = [...lines.filter((line) => !line.startsWith("#")), ...patterns].flatMap(ruleOf);
  return {
    isIgnored: (path) => {
      if (path === "") return false;
      return rules.findLast(({ expression }) => expression.test(path))?.isException === false;
    },
    hasExceptions: rules.some(({ isException }) => isException),
  };
}

/** A pattern also fits everything in a directory that it fits. */
function ruleOf(line: string): { expression: RegExp; isException: boolean }[] {
  const text = line.trim();
  const isException = text.startsWith("!");
  const pattern = posix
    .normalize(text.slice(isException ? 1 : 0).trim())
    .replaceAll(/^\/|\/$/g, "");
  if (pattern === "" || pattern === ".") return [];
  return [{ expression: globExpression(pattern, "(?:/.*)?"), isException }];
}
