/** A JSON schema (draft 7) of an object. */
export interface JsonSchema {
  readonly type: "object";
  readonly properties: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly required: readonly string[];
  readonly additionalProperties: false;
}

/** How else models write the arguments of a tool. */
export interface Habits<Name extends string = string> {
  /** Other names of an argument; other spellings of its own, such as `oldString`, are known. */
  readonly names?: { readonly [Each in Name]?: readonly string[] };
  /** Makes text of a list. */
  readonly lists?: { readonly [Each in Name]?: (list: readonly unknown[]) => string };
}

/** Arguments as they were meant, by the names that the tool knows. */
export interface GivenArguments {
  readonly values: Readonly<Record<string, unknown>>;
  /** Names that the tool does not know. */
  readonly ignored: readonly string[];
}

/** What models put around the arguments. */
const WRAPPERS = ["arguments", "args", "parameters", "params", "input", "tool_input", "kwargs"];

/** Reads arguments as models write them, where the meaning is plain; `undefined` when there is no object. */
export function readArguments(
  raw: unknown,
  { properties, required }: JsonSchema,
  { names = {}, lists = {} }: Habits,
): GivenArguments | undefined {
  const others = new Map(
    Object.entries(names).flatMap(([name, more]) =>
      [name, ...(more ?? [])].map((other) => [spelling(other), name] as const),
    ),
  );
  for (const name of Object.keys(properties)) others.set(spelling(name), name);
  const nameOf = (given: string): string | undefined =>
    Object.hasOwn(properties, given) ? given : others.get(spelling(given));
  const given = unwrapped(objectFrom(raw), nameOf);
  if (given === undefined) return undefined;
  const values: Record<string, unknown> = {};
  const ignored: string[] = [];
  for (const [key, value] of Object.entries(given)) {
    const name = nameOf(key);
    // What has the tool's own name for it counts, wherever it stands.
    if (name === undefined || (name !== key && Object.hasOwn(given, name))) {
      ignored.push(key);
      continue;
    }
    const property = properties[name]!;
    const read = coerce(value, property["type"], lists[name]);
    const isUnset = !required.includes(name) && meansUnset(read, property);
    if (read !== undefined && read !== null && !isUnset) values[name] = read;
  }
  return { values, ignored };
}

/** Names count as the same in camel case, in capitals and with hyphens. */
function spelling(name: string): string {
  return name.replaceAll(/[-_ ]/g, "").toLowerCase();
}

/** An object, or JSON text of one, even if that is text in JSON again, in a Markdown fence, or in a list. */
function objectFrom(raw: unknown, depth: number = 0): Record<string, unknown> | undefined {
  if (depth > 2) return undefined;
  if (typeof raw === "string") return objectFrom(fromJson(withoutFence(raw).text), depth + 1);
  if (Array.isArray(raw)) {
    const [only] = raw;
    return raw.length === 1 && isObject(only) ? only : undefined;
  }
  return isObject(raw ?? {}) ? ((raw ?? {}) as Record<string, unknown>) : undefined;
}

/** The arguments themselves, when what was given only has them in it. */
function unwrapped(
  given: Record<string, unknown> | undefined,
  nameOf: (name: string) => string | undefined,
): Record<string, unknown> | undefined {
  if (given === undefined || Object.keys(given).some((name) => nameOf(name))) return given;
  const wrapper = WRAPPERS.find((name) => Object.hasOwn(given, name));
  return wrapper === undefined ? given : (objectFrom(given[wrapper]) ?? given);
}

function fromJson(text: string): unknown {
  if (text.trim() === "") return {};
  try {
    return JSON.parse(text);
  } catch {
    return fromLooseJson(text);
  }
}

/** JSON whose strings have line ends and tabs as they are. */
function fromLooseJson(text: string): unknown {
  try {
    return JSON.parse(text.replaceAll(/"(?:[^"\\]|\\.)*"/gs, escapeControls));
  } catch {
    return NaN;
  }
}

function escapeControls(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replaceAll(/[\0-\x1f]/g, (character) => JSON.stringify(character).slice(1, -1));
}

/** Models write numbers as strings, strings as objects, and flags as words. */
function coerce(
  value: unknown,
  type: unknown,
  list: ((list: readonly unknown[]) => string) | undefined,
): unknown {
  if (type === "string") {
    if (typeof value === "number") return String(value);
    if (Array.isArray(value) && list !== undefined) return list(value);
    return typeof value === "object" && value !== null
      ? JSON.stringify(value, undefined, 2)
      : value;
  }
  const word = typeof value === "string" ? value.trim().toLowerCase() : value;
  if (type === "boolean") {
    if (word === "true" || word === "yes" || word === 1 || word === "1") return true;
    if (word === "false" || word === "no" || word === 0 || word === "0") return false;
    return value;
  }
  const number = typeof word === "string" && /^-?\d+(?:\.\d+)?$/.test(word) ? Number(word) : value;
  return type === "integer" && typeof number === "number" ? Math.round(number) : number;
}

/** Where a number has to be at least 1, 0 says that there is none; so do words for nothing. */
function meansUnset(value: unknown, property: Readonly<Record<string, unknown>>): boolean {
  if (property["type"] === "string") return false;
  if (value === 0) return Number(property["minimum"]) >= 1;
  return typeof value === "string" && /^\s*(?:|null|none|undefined)\s*$/i.test(value);
}

/** Text without a Markdown fence around it, and the language that the fence names. */
export function withoutFence(text: string): { readonly text: string; readonly language?: string } {
  const start = /^\s*(`{3,}|~{3,})[ \t]*([\w+#-]*)[^\n]*\n/.exec(text);
  if (start === null) return { text };
  const [head, fence, language] = start;
  const body = text.slice(head.length);
  const end = body.trimEnd();
  const inner = end.endsWith(fence!) ? end.slice(0, -fence!.length) : body;
  return { text: inner, ...(language && { language: language.toLowerCase() }) };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
