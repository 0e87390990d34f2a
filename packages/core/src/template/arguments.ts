import { posix } from "node:path";
import { z } from "zod";
import { EmberboxError } from "../errors.ts";
import { checkPath } from "../files/path.ts";
import { envs, parseArgument, user } from "../options.ts";
import { snapshotId } from "../state.ts";

const line = z
  .string()
  .regex(/\S/)
  .regex(/^[^\0]*$/)
  .describe("a string with something in it, without NUL");
const lines = z
  .union([line, z.array(line).min(1)])
  .describe("a string or a list of strings, none of them empty or with NUL");

export const flag: z.ZodOptional<z.ZodBoolean> = z.boolean().optional().describe("true or false");
export const mode: z.ZodOptional<z.ZodInt> = z
  .int()
  .min(0)
  .max(0o7777)
  .optional()
  .describe("permission bits, such as 0o644");
export const branch: z.ZodOptional<z.ZodString> = z
  .string()
  .regex(/^[^\0\s-][^\0\s]*$/)
  .optional()
  .describe("a branch's name");
export const templateName: z.ZodString = snapshotId.describe("a template's name");
export const userName: z.ZodNonOptional<typeof user> = user
  .nonoptional()
  .describe(user.description!);
export const environment: z.ZodNonOptional<typeof envs> = envs
  .nonoptional()
  .describe(envs.description!)
  .meta({ secret: true });

/** Checks text that may not be empty. @throws `invalid_argument` */
export const checkText = (name: string, value: unknown): string => parseArgument(line, name, value);

/** Checks a string or a list of strings, and makes it a list. @throws `invalid_argument` */
export const checkList = (name: string, value: unknown): string[] =>
  [parseArgument(lines, name, value)].flat();

/** Checks a path in the sandbox, or a list of them, and makes it a list. @throws `invalid_path` */
export function checkPaths(value: unknown): string[] {
  const paths: unknown[] = Array.isArray(value) ? value : [value];
  if (paths.length === 0) throw new EmberboxError("invalid_path", "Expected a path, got none");
  return paths.map(checkPath);
}

/** Checks paths or patterns below the context, and returns them in their shortest form. @throws `invalid_path` */
export function checkSources(value: unknown): string[] {
  for (const source of [value].flat())
    if (typeof source === "string" && source.split("/").includes(".."))
      throw outside(`${JSON.stringify(source)} contains \`..\``);
  return checkPaths(value).map((source) => {
    if (!source.startsWith("/")) return posix.normalize(source).replace(/\/$/, "");
    throw outside(`${JSON.stringify(source)} is absolute`);
  });
}

const outside = (what: string): EmberboxError =>
  new EmberboxError(
    "invalid_path",
    `${what}, and only what is in the context directory can be copied`,
    {
      hint: "Name files relative to the context directory, and choose it with `fileContextPath`.",
    },
  );
