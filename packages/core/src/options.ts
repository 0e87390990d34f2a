import { z } from "zod";
import { EmberboxError } from "./errors.ts";
import { describeMistake, describeValue } from "./mistake.ts";

/**
 * Checks options against a strict object schema. Each field's `description` says what it must be, and becomes part of
 * the message. A field with `.meta({ secret: true })` never has its value shown.
 * @throws `invalid_argument`, naming the option and what was given
 */
export function parseOptions<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  options: unknown,
): z.output<z.ZodObject<Shape>> {
  const parsed = schema.safeParse(options ?? {});
  if (parsed.success) return parsed.data;
  throw new EmberboxError(
    "invalid_argument",
    describeMistake(schema, options, parsed.error.issues[0]!),
  );
}

/** Checks one positional argument. @throws `invalid_argument` */
export function parseArgument<Schema extends z.ZodType>(
  schema: Schema,
  name: string,
  value: unknown,
): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new EmberboxError(
    "invalid_argument",
    `Expected \`${name}\` to be ${schema.description}, got ${describeValue(value, schema.meta()?.["secret"] === true)}`,
  );
}

/**
 * The fields of a schema for `Options`, one for each, of the type that the interface declares. The interface documents
 * them for people, and the compiler keeps the two in step.
 */
export type FieldsOf<Options> = {
  readonly [Name in keyof Options]-?: z.ZodType<Options[Name]>;
};

const isSignal = (value: unknown): boolean =>
  typeof value === "object" && value !== null && "aborted" in value && "addEventListener" in value;

/** The longest delay that a timer takes: above it, timers fire at once. */
const MAX_MS = 2 ** 31 - 1;

/** Fields that several features share. */
export const milliseconds: z.ZodOptional<z.ZodInt> = z
  .int()
  .min(0)
  .max(MAX_MS)
  .optional()
  .describe(`a whole number from 0 to ${MAX_MS}`);
export const positiveInteger: z.ZodOptional<z.ZodInt> = z
  .int()
  .positive()
  .optional()
  .describe("a positive integer");
export const text: z.ZodOptional<z.ZodString> = z.string().optional().describe("a string");
export const signal: z.ZodOptional<z.ZodCustom<AbortSignal>> = z
  .custom<AbortSignal>(isSignal)
  .optional()
  .describe("an AbortSignal");
export const user: z.ZodOptional<z.ZodString> = z
  .string()
  .regex(/^[\w.-]{1,64}$/)
  .optional()
  .describe("a user's name");
export const envs: z.ZodOptional<z.ZodRecord<z.ZodString, z.ZodString>> = z
  .record(z.string().regex(/^[^=\0]+$/), z.string().regex(/^[^\0]*$/))
  .optional()
  .describe("an object of strings, without NUL, whose names have no `=`")
  .meta({ secret: true });
export const code: z.ZodString = z.string().describe("a string");
export const pid: z.ZodInt = z.int().positive().describe("a positive integer");

/** A sandbox's lifetime, in milliseconds. */
export const lifetime: z.ZodInt = z
  .int()
  .min(1)
  .max(MAX_MS)
  .describe(`a whole number from 1 to ${MAX_MS}`);
export const sandboxId: z.ZodString = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,128}$/)
  .describe("a sandbox's id");

/** An optional function. */
export function callback<Type>(): z.ZodOptional<z.ZodCustom<Type>> {
  return z
    .custom<Type>((value) => typeof value === "function")
    .optional()
    .describe("a function");
}

/** Options of every request to a sandbox. */
export interface RequestOptions {
  /** How long the sandbox may take to start answering, in milliseconds; 0 for no limit. @default 60_000 */
  readonly requestTimeoutMs?: number | undefined;
  /** Aborts the call, which then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

export const requestFields: { requestTimeoutMs: typeof milliseconds; signal: typeof signal } = {
  requestTimeoutMs: milliseconds,
  signal,
};
/** The schema of calls that take no other options. */
export const requestOptions: z.ZodObject<
  { requestTimeoutMs: typeof milliseconds; signal: typeof signal },
  z.core.$strict
> = z.strictObject({ ...requestFields } satisfies FieldsOf<RequestOptions>);
export const REQUEST_TIMEOUT_MS = 60_000;
