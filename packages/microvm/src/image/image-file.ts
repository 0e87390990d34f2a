import { createHash } from "node:crypto";
import { EmberboxError } from "@emberbox/core";
import { z } from "zod";
import type { ByteReader } from "../host/byte-reader.ts";
import { parseJson } from "../host/json.ts";
import type { Recipe, Scripts } from "./recipe.ts";
import { isSigned, type Signer } from "./signature.ts";

/*
 * A file that holds an image: three lines, which are this one, a manifest as JSON, and a signature of the two before it
 * or `unsigned`; then the image's files, one after the other, in one zstd frame. There are no names or kinds of files
 * to be misled by, as in a tar, and what a file claims is known before anything of it is unpacked. The disk's holes are
 * in it as zeros, which zstd makes nothing of.
 */
const FIRST_LINE = "emberbox image 1";
const UNSIGNED = "unsigned";
/** Bytes. A manifest is a tenth of it. */
const LONGEST_LINE = 32 * 1024;

const MIB = 1024 * 1024;
/** zstd's usual window, 2 MiB, is the largest that is taken: it is what unpacking holds in memory. */
export const ZSTD_WINDOW_LOG = 21;

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const bytes = (most: number) => z.int().min(1).max(most);

/** In the order in which they are in the file. */
export const memberNames = ["kernel", "initrd", "rootfs"] as const;

/** One of the image's files. */
export interface Member {
  readonly name: (typeof memberNames)[number];
  readonly bytes: number;
  readonly sha256: string;
}

/** What a file says of the image in it. */
export interface ImageManifest {
  /** What the image's directory is called. */
  readonly key: string;
  /** Digests of what `key` is made of, by name: they tell why another version's key is another one. */
  readonly parts: Readonly<Record<string, string>>;
  readonly members: readonly Member[];
}

const manifestSchema: z.ZodType<ImageManifest> = z.strictObject({
  key: z.string().regex(/^[a-z0-9-]{1,64}$/),
  parts: z.record(z.string().regex(/^[\w.-]{1,64}$/), z.string().regex(/^[0-9a-f]{16}$/)),
  members: z.tuple([
    z.strictObject({ name: z.literal("kernel"), bytes: bytes(64 * MIB), sha256: digest }),
    z.strictObject({ name: z.literal("initrd"), bytes: bytes(256 * MIB), sha256: digest }),
    z.strictObject({ name: z.literal("rootfs"), bytes: bytes(64 * 1024 * MIB), sha256: digest }),
  ]),
});

/** The file is not, or not what it should be. */
export function refused(why: string, hint: string, cause?: unknown): EmberboxError {
  return new EmberboxError("invalid_argument", `the image's file was refused: ${why}`, {
    hint,
    ...(cause !== undefined && { cause }),
  });
}

export const damaged = (why: string, cause?: unknown): EmberboxError =>
  refused(why, "Copy or export it again; nothing of it was used.", cause);

/** The lines before the image. */
export function writeHeader(manifest: ImageManifest, sign: Signer = () => UNSIGNED): Buffer {
  const claim = `${FIRST_LINE}\n${JSON.stringify(manifestSchema.parse(manifest))}\n`;
  return Buffer.from(`${claim}${sign(claim)}\n`);
}

/**
 * Reads up to the image, and refuses what is not signed by `publicKey`, if there is one.
 * @throws `invalid_argument`
 */
export async function readHeader(
  file: ByteReader,
  publicKey: string | undefined,
): Promise<ImageManifest> {
  const first = await file.line(FIRST_LINE.length);
  if (first !== FIRST_LINE) {
    const why = first?.startsWith(FIRST_LINE.slice(0, -1))
      ? "it is of another version's format"
      : "it is not an image of Emberbox's";
    throw refused(why, "Export it with this version: `emberbox image export FILE`.");
  }
  const text = await file.line(LONGEST_LINE);
  const signature = await file.line(LONGEST_LINE);
  if (text === undefined || signature === undefined) throw damaged("its beginning is damaged");
  if (publicKey !== undefined) {
    if (signature === UNSIGNED)
      throw refused("it is not signed", "Have it exported with `--sign KEYFILE`.");
    if (!isSigned(`${first}\n${text}\n`, signature, publicKey))
      throw refused("its signature is not by that key", "Nothing of it was used. Do not trust it.");
  }
  const manifest = manifestSchema.safeParse(parseJson(text));
  if (!manifest.success) throw damaged("its manifest is damaged", manifest.error);
  return manifest.data;
}

/** What decides about an image's key, each with a digest of its own. */
export function partsOf(recipe: Recipe, scripts: Scripts): ImageManifest["parts"] {
  return Object.fromEntries(
    Object.entries({ ...recipe, ...scripts }).map(([name, value]) => [name, shortDigest(value)]),
  );
}

function shortDigest(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 16);
}
