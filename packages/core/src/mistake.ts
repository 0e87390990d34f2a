import { z } from "zod";

/** The parts of a schema that a path can lead into. */
interface Parts {
  readonly innerType?: z.ZodType;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly element?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly options?: readonly z.ZodType[];
}

const partsOf = (schema: z.ZodType): Parts => schema.def as unknown as Parts;

/** Says what is wrong with options, naming the option at the level where the mistake is. */
export function describeMistake(
  root: z.ZodType,
  options: unknown,
  issue: z.core.$ZodIssue,
): string {
  const { path, code, ...rest } = innermost(issue);
  if (code === "unrecognized_keys") {
    return describeUnknown(root, path, String((rest as { keys: readonly string[] }).keys[0]));
  }
  const { name, schema, value, isSecret } = fieldOf(root, options, path);
  if (name !== "") {
    return `Expected the \`${name}\` option to be ${schema.description}, got ${describeValue(value, isSecret)}`;
  }
  if (code === "custom" && path.length === 0) return issue.message;
  return `Expected the options to be an object, got ${describeValue(options, isSecret)}`;
}

/** Picks, from the branches of a union, the one that the value was meant for: the one of the right kind. */
function innermost(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  if (issue.code !== "invalid_union") return issue;
  const meant = issue.errors.find(([first]) => first !== undefined && first.path.length > 0);
  const unknown = issue.errors.flat().find(({ code }) => code === "unrecognized_keys");
  const inner = unknown ?? meant?.[0];
  return inner === undefined
    ? issue
    : innermost({ ...inner, path: [...issue.path, ...inner.path] } as z.core.$ZodIssue);
}

function describeUnknown(root: z.ZodType, path: readonly PropertyKey[], key: string): string {
  let schema: z.ZodType | undefined = root;
  let isSecret = false;
  for (const each of path) {
    schema = schema && memberOf(schema, each);
    isSecret ||= schema?.meta()?.["secret"] === true;
  }
  const names = Object.keys((schema && shapeOf(schema)) ?? {}).map((name) => `\`${name}\``);
  if (path.length === 0) return `Unknown option \`${key}\`; known here: ${names.join(", ")}`;
  // When the shape is wrong, a secret may be where a name belongs.
  const what = isSecret ? "Unknown option" : `Unknown option \`${key}\``;
  return `${what} in \`${path.map(String).join(".")}\`; known there: ${names.join(", ")}`;
}

interface Field {
  readonly name: string;
  readonly schema: z.ZodType;
  readonly value: unknown;
  readonly isSecret: boolean;
}

/** The innermost option on the path that has a description. */
function fieldOf(root: z.ZodType, options: unknown, path: readonly PropertyKey[]): Field {
  let found: Field = { name: "", schema: root, value: options, isSecret: false };
  let schema: z.ZodType | undefined = root;
  let value = options;
  let { isSecret } = found;
  for (const [index, key] of path.entries()) {
    schema = memberOf(schema, key);
    if (schema === undefined) break;
    value = (value as Record<PropertyKey, unknown> | null | undefined)?.[key];
    isSecret ||= schema.meta()?.["secret"] === true;
    const name = path.slice(0, index + 1).join(".");
    if (schema.description !== undefined) found = { name, schema, value, isSecret };
  }
  return found;
}

function memberOf(schema: z.ZodType, key: PropertyKey): z.ZodType | undefined {
  const { innerType, options, element, valueType } = partsOf(schema);
  if (innerType !== undefined) return memberOf(innerType, key);
  for (const option of options ?? []) {
    const member = memberOf(option, key);
    if (member !== undefined) return member;
  }
  return shapeOf(schema)?.[String(key)] ?? element ?? valueType;
}

function shapeOf(schema: z.ZodType): Parts["shape"] {
  const { innerType, options, shape } = partsOf(schema);
  if (innerType !== undefined) return shapeOf(innerType);
  return shape ?? options?.map(shapeOf).find((each) => each !== undefined);
}

/** Names objects by kind only: they may hold secrets. */
export function describeValue(value: unknown, isSecret: boolean): string {
  if (value === null) return "`null`";
  if (value === undefined) return "`undefined`";
  if (typeof value === "object") return Array.isArray(value) ? "an array" : "an object";
  if (typeof value === "function") return "a function";
  if (isSecret) return `a ${typeof value} that is not shown`;
  const text = withoutUser(String(value));
  return `\`${text.length > 100 ? `${text.slice(0, 100)}…` : text}\` (${typeof value})`;
}

/** Removes the user and password from URLs. */
export function withoutUser(text: string): string {
  return text.replaceAll(/\/\/[^/\s@]*@/g, "//…@");
}
