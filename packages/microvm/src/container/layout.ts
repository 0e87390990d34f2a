import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, lstat, open } from "node:fs/promises";
import { join, posix } from "node:path";
import { EmberboxError } from "@emberbox/core";
import { z } from "zod";
import { type Architecture, architectures } from "../host/architecture.ts";
import { parseJson } from "../host/json.ts";

/** One layer of an image: a compressed archive, named by its digest. */
export interface ImageLayer {
  readonly digest: string;
  readonly bytes: number;
}

/** An image that has been fetched. */
export interface FetchedImage {
  /** Of its manifest. */
  readonly digest: string;
  readonly layers: readonly ImageLayer[];
  /** What its configuration says of programs. */
  readonly envs: Readonly<Record<string, string>>;
  readonly workdir: string;
  readonly user: string | undefined;
}

/** What all layers of an image may take together, compressed, in bytes. */
export const MOST_BYTES: number = 4 * 1024 * 1024 * 1024;
const MOST_LAYERS = 128;
const MOST_JSON_BYTES = 4 * 1024 * 1024;
const MOST_ENVS = 512;

const digest = z.string().regex(/^sha256:[\da-f]{64}$/);
const descriptor = z.object({
  mediaType: z.string().max(256).optional(),
  digest,
  size: z.int().min(0).max(MOST_BYTES),
});
const indexSchema = z.object({ manifests: z.array(descriptor).min(1).max(1) });
const manifestSchema = z.object({
  schemaVersion: z.literal(2),
  config: descriptor,
  layers: z.array(descriptor).min(1).max(MOST_LAYERS),
});
/** Go leaves out what is empty, or writes `null`. */
const text = z
  .string()
  .max(131_072)
  .regex(/^[^\0]*$/);
const configSchema = z.object({
  architecture: z.string().max(64),
  os: z.string().max(64),
  config: z
    .object({
      Env: z.array(text).max(MOST_ENVS).nullish(),
      WorkingDir: text.max(4095).nullish(),
      User: text.max(256).nullish(),
    })
    .nullish(),
});

const LAYER = /^application\/vnd\.oci\.image\.layer\.v1\.tar(?:\+gzip|\+zstd)?$/;

export const blobPath = (blobs: string, { digest: name }: Pick<ImageLayer, "digest">): string =>
  join(blobs, "sha256", name.slice("sha256:".length));

/**
 * Reads the only image of a layout that skopeo wrote, whose blobs are elsewhere. What is in it came from a registry.
 * @throws `template_build_failed` for what breaks the format, `unsupported` for what cannot become a sandbox here
 */
export async function readLayout(
  directory: string,
  blobs: string,
  architecture: Architecture,
): Promise<FetchedImage> {
  const index = parse(indexSchema, await readSmall(join(directory, "index.json")), "index");
  const [{ digest: name }] = index.manifests as [z.output<typeof descriptor>];
  const manifest = parse(manifestSchema, await readBlob(blobs, name), "manifest");
  const layers = manifest.layers.map(({ mediaType = "", digest, size }) => {
    if (!LAYER.test(mediaType)) throw unsupported(`it has a layer of the type ${mediaType}`);
    return { digest, bytes: size };
  });
  for (const layer of layers) {
    const { size } = await lstat(blobPath(blobs, layer));
    if (size !== layer.bytes)
      throw broken(`a layer of it has ${size} bytes instead of ${layer.bytes}`);
  }
  if (layers.reduce((sum, { bytes }) => sum + bytes, 0) > MOST_BYTES)
    throw unsupported(`its layers are larger than ${MOST_BYTES / 1024 ** 3} GiB`);
  const config = parse(
    configSchema,
    await readBlob(blobs, manifest.config.digest),
    "configuration",
  );
  const wanted = architectures[architecture].debian;
  if (config.os !== "linux" || config.architecture !== wanted)
    throw unsupported(
      `it is for ${config.os}/${config.architecture}, and sandboxes here are linux/${wanted}`,
    );
  const { Env, WorkingDir, User } = config.config ?? {};
  return {
    ...{ digest: name, layers, envs: envsOf(Env ?? []) },
    workdir: WorkingDir?.startsWith("/") === true ? posix.normalize(WorkingDir) : "/home/user",
    user: User ? User : undefined,
  };
}

/** Variables by names that a shell could set; others are left out. */
function envsOf(pairs: readonly string[]): Record<string, string> {
  const found = pairs.map((pair) => /^([A-Za-z_]\w*)=(.*)$/s.exec(pair));
  return Object.fromEntries(found.flatMap((match) => (match ? [[match[1]!, match[2]!]] : [])));
}

function parse<Schema extends z.ZodType>(
  schema: Schema,
  content: Buffer,
  what: string,
): z.output<Schema> {
  const parsed = schema.safeParse(parseJson(content.toString()));
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues[0]!.path.join(".");
  throw broken(`its ${what} is not what it should be${where && `: ${where}`}`);
}

/** A blob that is small, and whose content is what its name says. */
async function readBlob(blobs: string, name: string): Promise<Buffer> {
  const content = await readSmall(blobPath(blobs, { digest: name }));
  const hash = createHash("sha256").update(content).digest("hex");
  if (`sha256:${hash}` !== name) throw broken(`${name} has another digest`);
  return content;
}

async function readSmall(path: string): Promise<Buffer> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    const { size } = await file.stat();
    if (size > MOST_JSON_BYTES) throw broken("its manifest or configuration is too large");
    return await file.readFile();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") throw broken("a part of it is missing");
    throw error;
  } finally {
    await file?.close();
  }
}

export const broken = (why: string): EmberboxError =>
  new EmberboxError("template_build_failed", `the container image cannot be used: ${why}`);

export const unsupported = (why: string): EmberboxError =>
  new EmberboxError("unsupported", `the container image cannot become a sandbox: ${why}`, {
    hint: "Begin with an image that is made of Debian or Ubuntu for this machine's architecture.",
  });
