import { EmberboxError } from "../errors.ts";

/** One instruction of a Dockerfile. */
export interface Instruction {
  /** Where it begins, from 1. */
  readonly line: number;
  /** In capital letters. */
  readonly name: string;
  /** What follows the name, with continued lines joined. */
  readonly rest: string;
  /** Whether lines follow that are its input. */
  readonly hasHeredoc: boolean;
}

/** A Dockerfile's instructions, and the character that continues lines and takes away the meaning of others. */
export interface DockerfileLines {
  readonly instructions: readonly Instruction[];
  readonly escape: string;
}

/** Splits a Dockerfile into instructions, without comments and empty lines. @throws `invalid_argument` for its `escape` */
export function readInstructions(content: string): DockerfileLines {
  const lines = content.replace(/^\u{FEFF}/u, "").split(/\r?\n/);
  const escape = escapeOf(lines);
  // An escaped escape does not continue the line.
  const continued = escape === "`" ? /(?<!`)`[ \t]*$/ : /(?<!\\)\\[ \t]*$/;
  const instructions: Instruction[] = [];
  let text: string | undefined;
  let begin = 0;
  for (const [index, line] of lines.entries()) {
    const isLast = index === lines.length - 1;
    const isText = !/^\s*(#|$)/.test(line);
    if (isText) {
      if (text === undefined) begin = index;
      text = (text ?? "") + line.replace(continued, "");
    }
    if (text === undefined || (!isLast && (!isText || continued.test(line)))) continue;
    const [, name, rest] = /^(\S+)\s*(.*)$/s.exec(text.trim()) ?? ["", "", ""];
    instructions.push({
      line: begin + 1,
      name: name!.toUpperCase(),
      rest: rest!,
      hasHeredoc: hasHeredoc(text, lines.slice(index + 1)),
    });
    text = undefined;
  }
  return { instructions, escape };
}

/** Parser directives are comments of the form `# name=value`, before anything else. */
function escapeOf(lines: readonly string[]): string {
  for (const line of lines) {
    const [, name, value] = /^#\s*(\w+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (name === undefined) break;
    if (name.toLowerCase() !== "escape") continue;
    if (value === "\\" || value === "`") return value;
    throw new EmberboxError("invalid_argument", "The escape directive must be `\\` or `` ` ``");
  }
  return "\\";
}

/** A command line may have `<<` for other reasons, so the line that ends the input has to be there, too. */
function hasHeredoc(text: string, following: readonly string[]): boolean {
  return [...text.matchAll(/(?<!<)<<-?(["']?)(\w+)\1/g)].some(([, , end]) =>
    following.some((line) => line.trim() === end),
  );
}
