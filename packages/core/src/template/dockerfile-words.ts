import { EmberboxError } from "../errors.ts";

/** Yields the value of a variable; undefined when it is not set. */
export type Lookup = (name: string) => string | undefined;

/** Splits at spaces that are neither quoted nor escaped. Quotes and escapes stay. */
export function splitWords(text: string, escape: string): string[] {
  const e = escape === "`" ? "`" : "\\\\";
  const word = new RegExp(`(?:${e}.|"(?:${e}.|[^"])*"?|'[^']*'?|\\S)+`, "gsu");
  return text.match(word) ?? [];
}

/** The words of the form `["a", "b"]`; undefined for text that is not of this form. */
export function jsonWords(text: string): string[] | undefined {
  try {
    const words: unknown = JSON.parse(text);
    const isWords = Array.isArray(words) && words.every((word) => typeof word === "string");
    return isWords ? words : undefined;
  } catch {
    return undefined;
  }
}

/** Takes `--name=value` and `--name` off the front. */
export function takeFlags(text: string): { flags: [name: string, value: string][]; rest: string } {
  const flags: [string, string][] = [];
  let rest = text;
  for (;;) {
    const found = /^--([\w-]+)(?:=(\S*))?(?:\s+|$)/.exec(rest);
    if (found === null) return { flags, rest };
    flags.push([found[1]!, found[2] ?? ""]);
    rest = rest.slice(found[0].length);
  }
}

/**
 * Replaces variables (`$NAME`, `${NAME}`, and `${NAME:-other}`, `${NAME:+other}` with and without the colon), and takes
 * quotes and escapes away. Nothing is replaced in single quotes.
 * @throws `invalid_argument` for a quote or brace that is not closed, and `unsupported` for other forms of `${…}`
 */
export function expandWords(text: string, lookup: Lookup, escape: string): string {
  return new Expansion(text, lookup, escape).until(undefined);
}

class Expansion {
  readonly #text: string;
  readonly #lookup: Lookup;
  readonly #escape: string;
  #at = 0;

  constructor(text: string, lookup: Lookup, escape: string) {
    this.#text = text;
    this.#lookup = lookup;
    this.#escape = escape;
  }

  /** Reads up to a character that closes what was opened, or to the end. */
  until(close: string | undefined): string {
    let out = "";
    while (this.#at < this.#text.length) {
      const character = this.#text[this.#at++]!;
      if (character === close) return out;
      if (character === this.#escape) out += this.#escaped(close === '"');
      else if (character === "$") out += this.#variable();
      else if (character === '"') out += this.until('"');
      else if (character === "'" && close !== '"') out += this.#literal();
      else out += character;
    }
    if (close === undefined) return out;
    throw new EmberboxError("invalid_argument", `A \`${close}\` is missing in ${this.#text}`);
  }

  /** In double quotes, an escape before another character is itself text. */
  #escaped(isQuoted: boolean): string {
    const next = this.#text[this.#at++] ?? "";
    return isQuoted && !['"', "$", this.#escape].includes(next) ? this.#escape + next : next;
  }

  #literal(): string {
    const end = this.#text.indexOf("'", this.#at);
    if (end === -1)
      throw new EmberboxError("invalid_argument", `A \`'\` is missing in ${this.#text}`);
    const literal = this.#text.slice(this.#at, end);
    this.#at = end + 1;
    return literal;
  }

  #variable(): string {
    const [found, brace, name] = /^(\{?)([A-Za-z_]\w*)/.exec(this.#text.slice(this.#at)) ?? [];
    if (found === undefined) {
      if (this.#text[this.#at] === "{") throw unsupportedForm(this.#text);
      return "$";
    }
    this.#at += found.length;
    const value = this.#lookup(name!);
    if (brace === "") return value ?? "";
    const operator = /^(?:\}|:?[-+])/.exec(this.#text.slice(this.#at))?.[0];
    if (operator === undefined) throw unsupportedForm(this.#text);
    this.#at += operator.length;
    if (operator === "}") return value ?? "";
    const other = this.until("}");
    const isSet = operator.startsWith(":") ? (value ?? "") !== "" : value !== undefined;
    if (operator.endsWith("+")) return isSet ? other : "";
    return isSet ? value! : other;
  }
}

const unsupportedForm = (text: string): EmberboxError =>
  new EmberboxError("unsupported", `A form of \`\${…}\` is not known in ${text}`, {
    hint: "Use `${NAME}`, `${NAME:-other}` or `${NAME:+other}`.",
  });
