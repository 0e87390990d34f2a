/** What of a pattern stands for one byte, for any number of them, or for none at all. */
type Token = number | "any" | "star" | "never" | { readonly bytes: ReadonlySet<number> };
/** The tokens of one segment, or any number of segments. */
type Segment = readonly Token[] | "segments";

/** One line of an ignore file. */
export interface IgnoreRule {
  readonly line: string;
  readonly isException: boolean;
  readonly isForDirectories: boolean;
  /** Of a path that begins at the file's directory; otherwise of any name in it. */
  readonly isAnchored: boolean;
  readonly segments: readonly Segment[];
}

/**
 * The rules of a text in the form of `.gitignore`. As in git, a pattern is made of bytes, and one that makes no sense
 * matches nothing. Matching takes time that only grows with the length of path times pattern.
 */
export function ignoreRules(bytes: string): IgnoreRule[] {
  const lines = bytes.replace(/^\xef\xbb\xbf/, "").split("\n");
  return lines.flatMap((line) => ruleOf(line.replace(/\r$/, "")));
}

function ruleOf(line: string): IgnoreRule[] {
  if (line.startsWith("#")) return [];
  let pattern = line.replace(/((?:^|[^\\])(?:\\\\)*(?:\\ )?) *$/, "$1");
  const isException = pattern.startsWith("!");
  if (isException) pattern = pattern.slice(1);
  const isForDirectories = pattern.endsWith("/");
  if (isForDirectories) pattern = pattern.slice(0, -1);
  if (pattern === "") return [];
  const isAnchored = pattern.includes("/");
  const parts = partsOf(pattern.replace(/^\//, ""));
  const segments: Segment[] = [];
  for (const [index, part] of parts.entries()) {
    if (part !== "**" || !isAnchored) segments.push(tokensOf(part));
    else {
      // At the end, it stands for what is in a directory, not for the directory.
      if (index === parts.length - 1) segments.push(["star"]);
      segments.push("segments");
    }
  }
  return [{ line, isException, isForDirectories, isAnchored, segments }];
}

/** What is between slashes; one in brackets is none. */
function partsOf(pattern: string): string[] {
  const parts: string[] = [];
  let begin = 0;
  for (let at = 0; at < pattern.length; at++) {
    if (pattern[at] === "\\") at += 1;
    else if (pattern[at] === "[") at = setAt(pattern, at + 1)?.end ?? at;
    else if (pattern[at] === "/") {
      parts.push(pattern.slice(begin, at));
      begin = at + 1;
    }
  }
  return [...parts, pattern.slice(begin)];
}

const classes: Readonly<Record<string, RegExp>> = {
  alnum: /[0-9A-Za-z]/,
  alpha: /[A-Za-z]/,
  blank: /[ \t]/,
  digit: /\d/,
  lower: /[a-z]/,
  punct: /[!-/:-@[-`{-~]/,
  space: /[ \t\n\v\f\r]/,
  upper: /[A-Z]/,
  xdigit: /[0-9A-Fa-f]/,
};

function tokensOf(part: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < part.length; at++) {
    const character = part[at]!;
    if (character === "*") {
      if (tokens.at(-1) !== "star") tokens.push("star");
    } else if (character === "?") tokens.push("any");
    else if (character === "\\") {
      at += 1;
      tokens.push(at < part.length ? part.charCodeAt(at) : "never");
    } else if (character === "[") {
      const set = setAt(part, at + 1);
      if (set === undefined) return ["never"];
      tokens.push({ bytes: set.bytes });
      at = set.end;
    } else tokens.push(character.charCodeAt(0));
  }
  return tokens;
}

/** The bytes between brackets, and where they end. */
function setAt(part: string, begin: number): { bytes: Set<number>; end: number } | undefined {
  const bytes = new Set<number>();
  let at = begin;
  const isNegated = part[at] === "!" || part[at] === "^";
  if (isNegated) at += 1;
  const first = at;
  for (let from: number | undefined; part[at] !== "]" || at === first;) {
    if (at >= part.length) return undefined;
    const name = /^\[:([a-z]*):\]/.exec(part.slice(at, at + 12));
    if (name !== null) {
      const kind = classes[name[1]!];
      if (kind === undefined) return undefined;
      for (let byte = 1; byte < 128; byte++)
        if (kind.test(String.fromCharCode(byte))) bytes.add(byte);
      at += name[0].length;
      from = undefined;
      continue;
    }
    const isRange =
      part[at] === "-" && from !== undefined && ![undefined, "]"].includes(part[at + 1]);
    if (isRange) at += 1;
    if (part[at] === "\\") at += 1;
    if (at >= part.length) return undefined;
    const byte = part.charCodeAt(at);
    if (isRange) for (let each = from!; each <= byte; each++) bytes.add(each);
    else bytes.add(byte);
    from = isRange ? undefined : byte;
    at += 1;
  }
  if (!isNegated) return { bytes, end: at };
  const others = new Set<number>();
  for (let byte = 1; byte < 256; byte++) if (!bytes.has(byte)) others.add(byte);
  return { bytes: others, end: at };
}

const fitsByte = (token: Token, byte: number): boolean =>
  token === "any" || token === byte || (typeof token === "object" && token.bytes.has(byte));

/** Whether tokens stand for a name. Only the last star before a mismatch can take more. */
function fitsName(tokens: readonly Token[], name: string): boolean {
  let token = 0;
  let at = 0;
  let star = -1;
  let starAt = 0;
  while (at < name.length) {
    if (tokens[token] === "star") {
      star = token++;
      starAt = at;
    } else if (token < tokens.length && fitsByte(tokens[token]!, name.charCodeAt(at))) {
      token += 1;
      at += 1;
    } else if (star !== -1) {
      token = star + 1;
      at = ++starAt;
    } else return false;
  }
  while (tokens[token] === "star") token += 1;
  return token === tokens.length;
}

/** Whether a rule is for a path, which is relative to the directory of the rule. */
export function isRuleFor(rule: IgnoreRule, path: string, isDirectory: boolean): boolean {
  if (rule.isForDirectories && !isDirectory) return false;
  const { segments } = rule;
  if (!rule.isAnchored)
    return fitsName(segments[0] as readonly Token[], path.slice(path.lastIndexOf("/") + 1));
  const names = path.split("/");
  let segment = 0;
  let at = 0;
  let any = -1;
  let anyAt = 0;
  while (at < names.length) {
    const expected = segments[segment];
    if (expected === "segments") {
      any = segment++;
      anyAt = at;
    } else if (expected !== undefined && fitsName(expected, names[at]!)) {
      segment += 1;
      at += 1;
    } else if (any !== -1) {
      segment = any + 1;
      at = ++anyAt;
    } else return false;
  }
  while (segments[segment] === "segments") segment += 1;
  return segment === segments.length;
}
