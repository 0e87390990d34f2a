import { EmberboxError } from "../errors.ts";

const TOKEN = /\*\*\/|\*\*|\*|\?|\[\^?(?:\\.|[^\]\\])+\]|\\.|[.+^${}()|[\]\\/]/gsu;

/** Whether a path has anything in it that stands for other text. */
export const isPattern = (path: string): boolean => /[*?[]/.test(path);

/**
 * A regular expression for one of Docker's patterns: `*` and `?` stand for anything but `/`, `[a-z]` for one of these
 * characters, `**` for any number of directories. `after` is appended to it.
 * @throws `invalid_argument`
 */
export function globExpression(pattern: string, after = ""): RegExp {
  try {
    return new RegExp(`^${pattern.replaceAll(TOKEN, expressionOf)}${after}$`, "su");
  } catch (cause) {
    throw new EmberboxError("invalid_argument", `The pattern ${JSON.stringify(pattern)} is wrong`, {
      cause,
    });
  }
}

function expressionOf(token: string): string {
  if (token === "**/") return "(?:.*/)?";
  if (token === "**") return ".*";
  if (token === "*") return "[^/]*";
  if (token === "?") return "[^/]";
  if (token.length > 2) return `(?!/)${token}`;
  const character = token.at(-1)!;
  return /[\^$\\.*+?()[\]{}|/]/.test(character) ? `\\${character}` : character;
}
