import { z } from "zod";
import { type GivenArguments, type Habits, type JsonSchema, readArguments } from "./arguments.ts";

/** A tool's arguments in several forms: for the model, for the framework, and for checking. */
export interface InputSchema<Input> {
  readonly json: JsonSchema;
  /** The same as OpenAI's strict mode demands: every property required, optional ones nullable, and no bounds. */
  readonly strictJson: JsonSchema;
  /** Describes what the JSON schema describes but accepts anything: mistakes become a result that explains them. */
  readonly lenient: z.ZodType<Input>;
  /** Describes what the strict JSON schema describes, and accepts anything, too. */
  readonly strictLenient: z.ZodType<Input>;
  /** @throws never */
  parse(raw: unknown): ParsedInput<Input>;
}

export type ParsedInput<Input> =
  | { readonly input: Input; readonly ignored: readonly string[] }
  | { readonly problem: string };

/** Derives all forms from one schema, each of whose fields has a description. */
export function inputSchema<Shape extends z.ZodRawShape>(
  shape: Shape,
  habits: Habits<keyof Shape & string> = {},
): InputSchema<z.output<z.ZodObject<Shape>>> {
  type Input = z.output<z.ZodObject<Shape>>;
  const checked = z.object(shape);
  const { properties = {}, required = [] } = z.toJSONSchema(checked, {
    io: "input",
    target: "draft-7",
  }) as Partial<JsonSchema>;
  const json: JsonSchema = { type: "object", properties, required, additionalProperties: false };
  const strictJson = strictForm(json);
  return {
    json,
    strictJson,
    lenient: lenient<Input>(json),
    strictLenient: lenient<Input>(strictJson),
    parse: (raw) => parse(checked, json, readArguments(raw, json, habits), raw),
  };
}

function strictForm({ properties, required }: JsonSchema): JsonSchema {
  return {
    type: "object",
    properties: Object.fromEntries(
      Object.entries(properties).map(([name, { type, description }]) => [
        name,
        // Of the ways to say nullable, the one that Gemini takes as well. With its description outside, zod would make
        // a list of types of it, which Gemini refuses.
        required.includes(name)
          ? { type, description }
          : { anyOf: [{ type, description }, { type: "null" }] },
      ]),
    ),
    required: Object.keys(properties),
    additionalProperties: false,
  };
}

function lenient<Input>({ properties, required }: JsonSchema): z.ZodType<Input> {
  const fields = mapValues(properties, (property) =>
    z
      .any()
      .optional()
      .meta({ ...property }),
  );
  return z
    .looseObject(fields)
    .meta({ required: [...required], additionalProperties: false }) as unknown as z.ZodType<Input>;
}

function parse<Input>(
  checked: z.ZodType<Input>,
  { properties, required }: JsonSchema,
  given: GivenArguments | undefined,
  raw: unknown,
): ParsedInput<Input> {
  const names = Object.keys(properties);
  const known = names.map((name) => `\`${name}\`${required.includes(name) ? "" : " (optional)"}`);
  const arguments_ = `The arguments are: ${known.join(", ")}.`;
  if (given === undefined) {
    return {
      problem: `Expected the arguments as a JSON object, got ${kindOf(raw)}. ${arguments_}`,
    };
  }
  const { values, ignored } = given;
  const parsed = checked.safeParse(values);
  if (parsed.success) return { input: parsed.data, ignored };
  const name = String(parsed.error.issues[0]?.path[0]);
  const expected = String(properties[name]?.["type"] ?? "something else");
  const limits = limitsOf(properties[name]);
  const problem =
    values[name] === ""
      ? `The argument \`${name}\` is empty.`
      : name in values
        ? `The argument \`${name}\` must be ${article(expected)}${limits}, got ${kindOf(values[name])}.`
        : `The argument \`${name}\` (${article(expected)}) is missing.`;
  const unknown =
    ignored.length > 0 ? ` Not known here: ${ignored.slice(0, 5).map(quote).join(", ")}.` : "";
  return { problem: `${problem}${unknown} ${arguments_}` };
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
