import { z } from "zod";
import { mountPath } from "./mount-path.ts";
import {
  type FieldsOf,
  type RequestOptions,
  parseArgument,
  parseOptions,
  signal,
} from "./options.ts";

/** A volume: a directory that outlives sandboxes, and that several of them may have mounted at once. */
export interface VolumeInfo {
  readonly volumeId: string;
  readonly name: string;
  readonly createdAt?: Date | undefined;
  /** The most that its files may have together, in MiB, where known. */
  readonly sizeMB?: number | undefined;
}

/** How to make a volume. */
export interface CreateVolumeOptions {
  /** The most that its files may have together, in MiB. @default 10_240 */
  readonly sizeMB?: number | undefined;
}

/** A file, directory or link of a volume. */
export interface VolumeEntry {
  readonly name: string;
  readonly type: "file" | "directory" | "symlink" | "unknown";
  /** From the volume's root, which is `/`. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Permission bits, such as `0o644`. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly atime: Date;
  readonly mtime: Date;
  readonly ctime: Date;
  /** What a link says; it is not followed. */
  readonly target?: string | undefined;
}

/** What of an entry can be set. A provider whose volumes know one owner refuses others. */
export interface VolumeMetadata {
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  /** Permission bits, such as `0o644`. */
  readonly mode?: number | undefined;
}

/** How to list a directory of a volume. */
export interface ListVolumeOptions {
  /** How many directories deep. @default 1 */
  readonly depth?: number | undefined;
}

/** How to make a directory or a file of a volume. */
export interface VolumeWriteOptions extends VolumeMetadata, Pick<RequestOptions, "signal"> {
  /** Makes the directories that are missing on the way. For `makeDir`, the directory may be there. @default false */
  readonly force?: boolean | undefined;
}

/** The files of a volume, without a sandbox. Paths begin with `/`, and no link is followed. */
export interface VolumeFiles {
  /** @throws `file_not_found`, `volume_not_found`, as all others do */
  list(path: string, options?: ListVolumeOptions): Promise<VolumeEntry[]>;
  /** @throws `file_exists` */
  makeDir(path: string, options?: VolumeWriteOptions): Promise<VolumeEntry>;
  /** What is at a path. */
  getInfo(path: string): Promise<VolumeEntry>;
  /** Sets permissions. @throws `unsupported` for an owner that the provider's volumes do not know */
  updateMetadata(path: string, metadata: VolumeMetadata): Promise<VolumeEntry>;
  /** A file's bytes as they are while it is read. */
  readFile(
    path: string,
    options?: Pick<RequestOptions, "signal">,
  ): Promise<ReadableStream<Uint8Array>>;
  /** The file is there once all of it is, in the place of what was there. @throws `disk_full` */
  writeFile(
    path: string,
    data: AsyncIterable<Uint8Array>,
    options?: VolumeWriteOptions,
  ): Promise<VolumeEntry>;
  /** Removes a file, or a directory with all that is in it. */
  remove(path: string): Promise<void>;
}

const volumeName = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,128}$/)
  .describe("1 to 128 letters, digits, `_` and `-`");
const volumeId = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,128}$/)
  .describe("a volume's id");
const MAX_MOUNTS = 16;

/** Volumes by path; in the place of an id, an object that has one, such as a `Volume`. */
export const volumeMountsSchema: z.ZodType<Readonly<Record<string, string>> | undefined> = z
  .record(
    mountPath,
    z.union([volumeId, z.object({ volumeId }).transform((volume) => volume.volumeId)]),
  )
  .refine((mounts) => Object.keys(mounts).length <= MAX_MOUNTS)
  .optional()
  .describe(
    `an object of at most ${MAX_MOUNTS} volumes, by absolute paths without \`.\` and \`..\` outside of /proc, /sys, /dev and /run`,
  );

const createSchema = z.strictObject({
  sizeMB: z.int().min(1).max(1_048_576).optional().describe("a whole number from 1 to 1048576"),
} satisfies FieldsOf<CreateVolumeOptions>);
const listSchema = z.strictObject({
  depth: z.int().min(1).max(100).optional().describe("a whole number from 1 to 100"),
} satisfies FieldsOf<ListVolumeOptions>);
const id = z.int().min(0).max(0xff_ff_ff_fe).optional().describe("a whole number");
const metadataFields = {
  uid: id,
  gid: id,
  mode: z.int().min(0).max(0o777).optional().describe("permission bits up to `0o777`"),
};
const metadataSchema = z.strictObject(metadataFields satisfies FieldsOf<VolumeMetadata>);
const writeSchema = z.strictObject({
  ...metadataFields,
  signal,
  force: z.boolean().optional().describe("true or false"),
} satisfies FieldsOf<VolumeWriteOptions>);
const volumePath = z
  .string()
  .max(4096)
  .regex(/^\/(?!(?:.*\/)?\.{1,2}(?:\/|$))[^\0]*$/s)
  .describe("a path that begins with `/`, without `.` and `..`");

export const parseVolumeName = (name: unknown): string => parseArgument(volumeName, "name", name);
export const parseVolumeId = (given: unknown): string => parseArgument(volumeId, "volumeId", given);
export const parseVolumePath = (path: unknown): string => parseArgument(volumePath, "path", path);
export const parseCreateVolume = (options: unknown): CreateVolumeOptions =>
  parseOptions(createSchema, options);
export const parseListVolume = (options: unknown): ListVolumeOptions =>
  parseOptions(listSchema, options);
export const parseVolumeMetadata = (metadata: unknown): VolumeMetadata =>
  parseOptions(metadataSchema, metadata);
export const parseVolumeWrite = (options: unknown): VolumeWriteOptions =>
  parseOptions(writeSchema, options);
