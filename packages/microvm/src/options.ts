import { availableParallelism } from "node:os";
import { EmberboxError } from "@emberbox/core";
import { z } from "zod";

export interface MicrovmOptions {
  /** Which accelerator runs the machines. `auto` takes KVM where it really works. @default "auto" */
  readonly accelerator?: "auto" | "kvm" | "tcg" | undefined;
  /** Ready sandboxes kept for `create` to hand out, of the default shape. @default { size: 0 } */
  readonly pool?: { readonly size: number } | undefined;
  /** False runs QEMU without its jail, with the rights of this program. @default true */
  readonly jail?: boolean | undefined;
  /** Directory of caches and of running sandboxes' files. @default `EMBERBOX_HOME` or the user's cache directory */
  readonly home?: string | undefined;
  /** Hears of long work: a shape that is warmed for the first time. */
  readonly onProgress?: ((step: string) => void) | undefined;
}

export const microvmOptions: z.ZodType<MicrovmOptions> = z.strictObject({
  accelerator: z.enum(["auto", "kvm", "tcg"]).optional(),
  pool: z.strictObject({ size: z.int().min(0).max(64) }).optional(),
  jail: z.boolean().optional(),
  home: z.string().min(1).optional(),
  onProgress: z.custom<(step: string) => void>((value) => typeof value === "function").optional(),
});

export const DEFAULT_TEMPLATE = "default";
/** Size of the guest image's file system; a sandbox's disk is at least this large. */
export const IMAGE_DISK_MB = 4096;

const name = /^[A-Za-z_][A-Za-z0-9_]*$/;

const createOptions = z.strictObject({
  template: z.string().default(DEFAULT_TEMPLATE),
  memoryMB: z.int().min(512).max(65_536).default(1024),
  cpuCount: z.int().min(1).max(16).default(1),
  diskMB: z.int().min(IMAGE_DISK_MB).max(1_048_576).default(IMAGE_DISK_MB),
  envs: z.record(z.string().regex(name, "must be a name of letters, digits and _"), z.string().max(131_072).refine((value) => !value.includes("\0"), "must not contain NUL")).default({}),
  metadata: z.record(z.string().max(1024), z.string().max(65_536)).default({}),
  timeoutMs: z.int().min(1).max(2 ** 31 - 1).default(300_000),
  signal: z.instanceof(AbortSignal).optional(),
});

export type ResolvedCreateOptions = Readonly<z.output<typeof createOptions>>;

/** @throws `invalid_argument`, `unknown_template` */
export function resolveCreateOptions(options: unknown): ResolvedCreateOptions {
  const resolved = parseOptions(createOptions, options);
  if (resolved.template !== DEFAULT_TEMPLATE) {
    throw new EmberboxError("unknown_template", `there is no template \`${resolved.template}\`; the templates are: ${DEFAULT_TEMPLATE}`);
  }
  const cpus = Math.max(availableParallelism() * 2, 2);
  if (resolved.cpuCount > cpus) {
    throw new EmberboxError("invalid_argument", `Expected the \`cpuCount\` option to be at most ${cpus} on this machine, got \`${resolved.cpuCount}\``);
  }
  return resolved;
}

/** @throws `invalid_argument` that names the option and what it was. */
export function parseOptions<T extends z.ZodType>(schema: T, options: unknown): z.output<T> {
  const result = schema.safeParse(options ?? {});
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const at = issue.path.join(".");
  let value: unknown = options;
  for (const key of issue.path) value = (value as Record<PropertyKey, unknown> | undefined)?.[key];
  const got = at ? `, got \`${String(value)}\` (${typeof value})` : "";
  throw new EmberboxError("invalid_argument", `${at ? `The \`${at}\` option` : "The options"}: ${issue.message}${got}`);
}
