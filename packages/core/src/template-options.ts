import { posix } from "node:path";
import { z } from "zod";
import { ceilingSchema, networkSchema } from "./network.ts";
import {
  callback,
  envs,
  type FieldsOf,
  parseArgument,
  parseOptions,
  signal,
  user,
} from "./options.ts";
import type { BuildTemplateOptions } from "./provider.ts";
import type { ImageSource, TemplateRequest, TemplateStep } from "./template-request.ts";

/** The name of a template of one's own. */
const templateName: z.ZodString = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,99}$/)
  .describe(
    "1 to 100 of the characters a to z, 0 to 9, `.`, `_` and `-`, of which the first is a letter or digit",
  );
/** That, and perhaps `:` and a tag. */
const taggedName: z.ZodString = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,99}(:[a-z0-9][a-z0-9._-]{0,63})?$/)
  .describe(`${templateName.description!}; and perhaps \`:\` and a tag`);
const MAX_TAGS = 32;
const tags = z
  .array(z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/))
  .min(1)
  .max(MAX_TAGS)
  .transform((given): readonly string[] => [...new Set(given)])
  .describe(
    `1 to ${MAX_TAGS} tags, each 1 to 64 of the characters a to z, 0 to 9, \`.\`, \`_\` and \`-\`, of which the first is a letter or digit`,
  );

const MAX_STEPS = 1000;
const MAX_ENTRIES = 100_000;
const command = z
  .string()
  .min(1)
  .max(100_000)
  .regex(/^[^\0]*$/);
/** Without a segment `..`. */
const path = z.string().regex(/^(?!(?:.*\/)?\.\.(?:\/|$))[^\0]{1,4095}$/s);
const bits = z.int().min(0).max(0o7777);
const account = user.unwrap();
const origin = z.string().max(4096).optional();
const hostPath = z.string().min(1).max(4095);
const digest = z.string().regex(/^[0-9a-f]{64}$/);
/** Never leads out of the destination. */
const inside = path
  .refine((given) => !posix.isAbsolute(given) && posix.normalize(given) === given)
  .or(z.literal(""));
const entry = z.strictObject({
  path: inside,
  type: z.enum(["file", "directory", "symlink"]),
  mode: bits,
  source: hostPath.optional(),
  target: z
    .string()
    .min(1)
    .max(4095)
    .regex(/^[^\0]*$/)
    .optional(),
});
const step: z.ZodType<TemplateStep> = z.discriminatedUnion("type", [
  z.strictObject({ origin, type: z.literal("RUN"), command, user: account.optional() }),
  z.strictObject({
    ...{
      origin,
      type: z.literal("COPY"),
      dest: path,
      user: account.optional(),
      mode: bits.optional(),
    },
    entries: z.array(entry).max(MAX_ENTRIES),
    digest,
  }),
  z.strictObject({
    ...{ origin, type: z.literal("UNPACK"), dest: path, user: account.optional() },
    ...{ archive: hostPath, src: path, mode: bits.optional(), digest },
  }),
  z.strictObject({ origin, type: z.literal("ENV"), envs: envs.unwrap() }),
  z.strictObject({ origin, type: z.literal("WORKDIR"), path }),
  z.strictObject({ origin, type: z.literal("USER"), user: account }),
]);
const image = z
  .strictObject({
    image: z.string().min(1).max(1024),
    username: z.string().min(1).max(1024).optional(),
    password: z.string().max(65_536).optional().meta({ secret: true }),
  } satisfies FieldsOf<ImageSource>)
  .refine(({ username, password }) => (username === undefined) === (password === undefined));
const requestSchema = z.strictObject({
  from: z.union([z.string().min(1).max(256), image]),
  steps: z.array(step).max(MAX_STEPS),
  freshFrom: z.int().min(0).optional(),
  startCommand: command.optional(),
  readyCommand: command.optional(),
} satisfies FieldsOf<TemplateRequest>);
const optionsSchema = z.strictObject({
  signal,
  name: taggedName,
  tags: tags.optional().describe(tags.description!),
  memoryMB: z.int().positive().optional().describe("a positive integer"),
  cpuCount: z.int().positive().optional().describe("a positive integer"),
  minFreeDiskMB: z
    .int()
    .min(0)
    .max(1_000_000)
    .optional()
    .describe("a whole number from 0 to 1000000"),
  network: networkSchema.optional().describe(networkSchema.description!),
  networkCeiling: ceilingSchema,
  onBuildLogs: callback<NonNullable<BuildTemplateOptions["onBuildLogs"]>>(),
} satisfies FieldsOf<BuildTemplateOptions>);

/** @throws `invalid_argument` */
export const parseTemplateRequest = (request: unknown): TemplateRequest =>
  parseArgument(requestSchema, "template", request);
/** A tag that is a part of the name becomes one of the tags. @throws `invalid_argument` */
export function parseBuildOptions(given: unknown): BuildTemplateOptions {
  const { name: full, tags, ...options } = parseOptions(optionsSchema, given);
  const [name = "", tag] = full.split(":");
  const all = new Set([...(tags ?? []), ...(tag === undefined ? [] : [tag])]);
  return { ...options, name, ...(all.size > 0 && { tags: [...all] }) };
}
/** @throws `invalid_argument` */
export const parseTemplateName = (name: unknown): string =>
  parseArgument(templateName, "name", name);
/** @throws `invalid_argument` */
export const parseTaggedName = (name: unknown): string => parseArgument(taggedName, "name", name);
/** @throws `invalid_argument` */
export const parseTags = (given: unknown): readonly string[] => parseArgument(tags, "tags", given);
