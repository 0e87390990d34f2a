import { z } from "zod";

/** A JSON schema (draft 7) of an object. */
export interface JsonSchema {
  readonly type: "object";
  readonly properties: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly required: readonly string[];
  readonly additionalProperties: false;
}

/** A tool's arguments in three forms: for the model, for the framework, and for checking. */
export interface InputSchema<Input> {
  readonly json: JsonSchema;
  /** Describes what the JSON schema describes but accepts anything: mistakes become a result that explains them. */
  readonly lenient: z.ZodType<Input>;
  /** @throws never */
  parse(raw: unknown): ParsedInput<Input>;
}

export type ParsedInput<Input> =
  | { readonly input: Input; readonly ignored: readonly string[] }
  | { readonly problem: string };

/** Derives the three forms from one strict schema, each of whose fields has a description. */
export function inputSchema<Shape extends z.ZodRawShape>(
  shape: Shape,
): InputSchema<z.output<z.ZodObject<Shape>>> {
  const strict = z.object(shape);
  const { properties = {}, required = [] } = z.toJSONSchema(strict, {
    io: "input",
    target: "draft-7",
  }) as Partial<JsonSchema>;
  const json: JsonSchema = { type: "object", properties, required, additionalProperties: false };
  const loose = z
    .looseObject(
      mapValues(properties, (property) =>
        z
          .any()
          .optional()
          .meta({ ...property }),
      ),
    )
    .meta({ required: [...required], additionalProperties: false });
  return {
    json,
    lenient: loose as unknown as z.ZodType<z.output<z.ZodObject<Shape>>>,
    parse: (raw) => parse(strict, json, raw),
  };
}

function parse<Input>(
  strict: z.ZodType<Input>,
  { properties, required }: JsonSchema,
  raw: unknown,
): ParsedInput<Input> {
  const given = objectFrom(raw);
  const names = Object.keys(properties);
  const known = names.map((name) => `\`${name}\`${required.includes(name) ? "" : " (optional)"}`);
  const arguments_ = `The arguments are: ${known.join(", ")}.`;
  if (given === undefined) {
    return {
      problem: `Expected the arguments as a JSON object, got ${kindOf(raw)}. ${arguments_}`,
    };
  }
  const entries = Object.entries(given).filter(
    ([name, value]) => value !== undefined && value !== null && Object.hasOwn(properties, name),
  );
  const coerced = Object.fromEntries(
    entries.map(([name, value]) => [name, coerce(value, properties[name]!["type"])]),
  );
  const ignored = Object.keys(given).filter((name) => !Object.hasOwn(properties, name));
  const parsed = strict.safeParse(coerced);
  if (parsed.success) return { input: parsed.data, ignored };
  const name = String(parsed.error.issues[0]?.path[0]);
  const expected = String(properties[name]?.["type"] ?? "something else");
  const limits = limitsOf(properties[name]);
  const problem =
    name in coerced
      ? `The argument \`${name}\` must be ${article(expected)}${limits}, got ${kindOf(coerced[name])}.`
      : `The argument \`${name}\` (${article(expected)}) is missing.`;
  const unknown =
    ignored.length > 0 ? ` Not known here: ${ignored.slice(0, 5).map(quote).join(", ")}.` : "";
  return { problem: `${problem}${unknown} ${arguments_}` };
}

/** Reads arguments: an object, or JSON text from callers who talk to a model themselves. */
function objectFrom(raw: unknown): Record<string, unknown> | undefined {
  const value = typeof raw === "string" ? fromJson(raw) : (raw ?? {});
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

function fromJson(text: string): unknown {
  try {
    return text.trim() === "" ? {} : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Models write numbers as strings and strings as objects. */
function coerce(value: unknown, type: unknown): unknown {
  if (type === "string" && typeof value === "number") return String(value);
  if (type === "string" && typeof value === "object") return JSON.stringify(value, undefined, 2);
  if (typeof value !== "string") return value;
  if (type === "boolean" && /^(?:true|false)$/i.test(value)) return value.toLowerCase() === "true";
  if ((type === "integer" || type === "number") && /^-?\d+(?:\.\d+)?$/.test(value))
    return Number(value);
  return value;
}

function limitsOf(property: Readonly<Record<string, unknown>> | undefined): string {
  const { minimum, maximum } = property ?? {};
  const below = typeof maximum === "number" && maximum < Number.MAX_SAFE_INTEGER;
  if (typeof minimum === "number" && below) return ` from ${minimum} to ${maximum}`;
  return typeof minimum === "number" ? ` of at least ${minimum}` : "";
}

function article(type: string): string {
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`;
}

function quote(name: string): string {
  return `\`${name.slice(0, 50)}\``;
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "number" || typeof value === "boolean") return `\`${value}\``;
  if (typeof value === "string") return `the text \`${value.slice(0, 60)}\``;
  return article(typeof value);
}

function mapValues<From, To>(
  object: Readonly<Record<string, From>>,
  to: (value: From) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, to(value)]));
}
