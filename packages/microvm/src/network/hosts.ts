import { domainToASCII } from "node:url";

const MAX_NAME = 253;
const LABEL = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/;

/** A host name in its canonical form, lower case and without a final dot; `undefined` if it is not one. */
export function parseName(text: string): string | undefined {
  const name = text.toLowerCase().replace(/\.$/, "");
  const labels = name.split(".");
  if (name.length === 0 || name.length > MAX_NAME || !labels.every((label) => LABEL.test(label)))
    return undefined;
  // The last label of an address is a number, in whatever notation.
  return /^(\d+|0x[0-9a-f]*)$/.test(labels.at(-1)!) ? undefined : name;
}

/** `api.example.com`, or `*.example.com` for all names under it, or `*` for all names. */
export interface NamePattern {
  readonly text: string;
  matches(name: string): boolean;
}

export function parsePattern(text: string): NamePattern | undefined {
  if (text === "*") return { text, matches: () => true };
  const isWild = text.startsWith("*.");
  // What people write (`bücher.example`) is not what goes over the wire.
  const name = parseName(domainToASCII(isWild ? text.slice(2) : text));
  if (name === undefined || /[^\p{L}\p{M}\p{N}_.*-]/u.test(text)) return undefined;
  if (!isWild) return { text: name, matches: (asked) => asked === name };
  return { text: `*.${name}`, matches: (asked) => asked.endsWith(`.${name}`) };
}

/** True when every name that `narrow` matches is matched by `wide` too. */
export function covers(wide: NamePattern, narrow: NamePattern): boolean {
  if (narrow.text === "*") return wide.text === "*";
  return (
    wide.matches(narrow.text.replace("*.", "x.")) &&
    (wide.text.startsWith("*") || !narrow.text.startsWith("*"))
  );
}
