import { isAgentPort } from "@emberbox/core/envd";
import { z } from "zod";
import { ApiError } from "../api-error.ts";

/** 2^31 - 1 ms, the longest delay of a timer, in seconds. */
const MAX_SECONDS = 2_147_483;

const seconds = z.number().refine(Number.isInteger, "must be a whole number of seconds");
/** What may be used in a path, a row or a provider's own names without being mistaken for anything more. */
const reference = z
  .string()
  .max(255)
  .regex(
    /^[A-Za-z0-9][\w.:/-]*$/,
    "must be letters, digits, and any of `. _ - : /` after the first",
  )
  .refine((value) => !value.split("/").includes(".."), "must not have `..` as a part");
const line = /^[^\0\r\n]*$/;
const labels = z.record(z.string().max(1024), z.string().max(65_536));
const variables = z.record(
  z
    .string()
    .max(1024)
    .regex(/^[^=\0]+$/, "the names of variables must not be empty, nor have `=` or NUL"),
  z
    .string()
    .max(65_536)
    .regex(/^[^\0]*$/, "must not have NUL"),
);
const headers = z.record(
  z
    .string()
    .max(1024)
    .regex(/^[!#$%&'*+.^_`|~\w-]+$/, "must be the name of a header"),
  z.string().max(65_536).regex(line, "must be one line"),
);
const hosts = z.array(z.string().min(1).max(255).regex(/^\S+$/, "must not have spaces")).max(1000);
export const transform = z.looseObject({ headers: headers.optional() });
const rules = z
  .record(
    z.string().min(1).max(255).regex(/^\S+$/, "must not have spaces"),
    z
      // One with a `match`, if it were ignored, would be for requests that it is not meant for.
      .array(z.looseObject({ transform: transform.optional(), match: z.never().optional() }))
      .max(1, "at most one transform for each host"),
  )
  .refine((value) => Object.keys(value).length <= 10, "rules for at most 10 hosts");

export const egressProxy = z.looseObject({
  address: z.string().min(3).max(262),
  username: z.string().min(1).max(255).nullish(),
  password: z.string().max(255).nullish(),
});

// What is not known may be a restriction: `readNetwork` refuses it, as it does in rules and of a proxy.
const egress = {
  allowOut: hosts.nullish(),
  denyOut: hosts.nullish(),
  rules: rules.nullish(),
  egressProxy: egressProxy.nullish(),
};

export const network = z.looseObject({
  ...egress,
  allowPublicTraffic: z.boolean().nullish(),
  maskRequestHost: z
    .string()
    .min(1)
    .max(255)
    .regex(/^[\w.:${}-]+$/)
    .nullish(),
  httpsPorts: z
    .array(
      z
        .int()
        .min(1)
        .max(65_535)
        .refine((port) => !isAgentPort(port), "must be the port of a server of the sandbox's own"),
    )
    .max(100)
    .nullish(),
});

export const networkUpdate = z.looseObject({
  ...egress,
  allow_internet_access: z.boolean().nullish(),
});

const volumeName = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,128}$/, "must be 1 to 128 letters, digits, `_` and `-`");

export const create = z.object({
  templateID: reference,
  timeout: seconds.nullish(),
  metadata: labels.nullish(),
  envVars: variables.nullish(),
  allow_internet_access: z.boolean().nullish(),
  network: network.nullish(),
  autoPause: z.boolean().nullish(),
  autoPauseMemory: z.boolean().nullish(),
  autoResume: z.object({ enabled: z.boolean() }).nullish(),
  iam: z.object({ tokens: z.record(z.string(), z.unknown()).nullish() }).nullish(),
  mcp: z.record(z.string(), z.unknown()).nullish(),
  volumeMounts: z
    .array(z.object({ name: volumeName, path: z.string().max(1024) }))
    .max(16)
    .nullish(),
});

export const volume = z.object({ name: volumeName });
const whole = z.coerce.number().refine(Number.isInteger, "must be a whole number").optional();
/** What the query of a request for a volume's files may have; the provider checks what it means. */
export const volumeContent = z.object({
  path: z.string().min(1).max(4096),
  depth: whole,
  uid: whole,
  gid: whole,
  mode: whole,
  force: z
    .enum(["true", "false"])
    .transform((value) => value === "true")
    .optional(),
});
const number = z.number().optional();
export const volumeMetadata = z.object({ uid: number, gid: number, mode: number });

export const connect = z.object({ timeout: seconds.nullish(), memory: z.boolean().nullish() });
export const connectV1 = z.object({ timeout: seconds, memory: z.boolean().nullish() });
export const timeout = z.object({ timeout: seconds });
export const refresh = z.object({ duration: seconds.min(0).max(3600).nullish() });
export const pause = z.object({ memory: z.boolean().nullish() });
export const fork = z.object({
  count: z.int().min(1).max(100).nullish(),
  timeout: seconds.nullish(),
});
export const snapshot = z.object({
  name: z
    .string()
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/,
      "must be 1 to 128 letters, digits, `.`, `_` and `-`, the first a letter or digit",
    )
    .nullish(),
});

const command = z
  .string()
  .max(100_000)
  .regex(/^[^\0]*$/, "must not have NUL");
const filesHash = z.string().regex(/^[0-9a-f]{64}$/, "must be a SHA-256 in hexadecimal digits");
const tagged = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9._-]{0,99}(:[a-z0-9][a-z0-9._-]{0,63})?$/,
    "must be 1 to 100 of `a` to `z`, `0` to `9`, `.`, `_` and `-`, the first a letter or digit; and perhaps `:` and a tag, 1 to 64 of these",
  );
const tags = z
  .array(
    z
      .string()
      .regex(
        /^[a-z0-9][a-z0-9._-]{0,63}$/,
        "must be 1 to 64 of `a` to `z`, `0` to `9`, `.`, `_` and `-`, the first a letter or digit",
      ),
  )
  .max(32);
export const tagging = z.object({ target: tagged, tags: tags.min(1) });
export const untagging = z.object({ name: tagged, tags: tags.min(1) });
export const templateUpdate = z.object({ public: z.boolean().nullish() });
export const template = z.object({
  name: tagged,
  tags: tags.nullish(),
  cpuCount: z.int().min(1).max(1024).nullish(),
  memoryMB: z.int().min(128).max(1_048_576).nullish(),
  minFreeDiskMb: z.int().min(0).max(1_000_000).nullish(),
});
export const templateBuild = z.object({
  fromImage: z.string().min(1).max(1024).nullish(),
  fromImageRegistry: z
    .object({
      type: z.string().max(32),
      username: z.string().min(1).max(1024).nullish(),
      password: z.string().max(65_536).nullish(),
    })
    .nullish(),
  fromTemplate: reference.nullish(),
  force: z.boolean().nullish(),
  startCmd: command.nullish(),
  readyCmd: command.nullish(),
  steps: z
    .array(
      z.object({
        type: z.string().max(32),
        args: z
          .array(command)
          .max(1000)
          .nullish()
          .transform((args) => args ?? []),
        force: z.boolean().nullish(),
        filesHash: filesHash.nullish(),
      }),
    )
    .max(1000, "at most 1000 steps")
    .nullish(),
});

/** @throws 400 that names the field; a missing body counts as an empty one */
export function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value ?? {});
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const field = issue.path.join(".") || "the request";
  throw new ApiError(400, `Invalid request: ${field}: ${issue.message}`);
}

/** A lifetime in seconds, as milliseconds. @throws 400 */
export function lifetime(value: number | null | undefined, usual: number): number {
  const given = value ?? usual;
  if (given <= 0) throw new ApiError(400, "Timeout must be greater than 0");
  if (given > MAX_SECONDS) {
    throw new ApiError(
      400,
      `Timeout cannot be greater than ${Math.floor(MAX_SECONDS / 3600)} hours`,
    );
  }
  return given * 1000;
}

const sandboxId = /^[a-z0-9]{1,64}(-[a-z0-9]{1,64})?$/;

/** A sandbox's id, without the client part that old ones have. @throws 400 */
export function parseSandboxId(text: string): string {
  if (!sandboxId.test(text)) throw new ApiError(400, "Invalid sandbox ID");
  return text.split("-", 1)[0]!;
}

/** The id or name of a template or snapshot. @throws 400 */
export function parseReference(text: string): string {
  const parsed = reference.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new ApiError(400, `Invalid template or snapshot: ${parsed.error.issues[0]!.message}`);
}

/** @throws 400 */
export function parseFilesHash(text: string): string {
  return parse(z.object({ hash: filesHash }), { hash: text }).hash;
}
