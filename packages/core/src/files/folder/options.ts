import { z } from "zod";
import {
  callback,
  type FieldsOf,
  parseOptions,
  positiveInteger,
  requestFields,
  user,
} from "../../options.ts";
import type { FileOptions } from "../read.ts";

/** How far a folder is on its way. */
export interface FolderProgress {
  /** Files that are done. */
  readonly files: number;
  /** Bytes of files. */
  readonly bytes: number;
  /** What `bytes` will be in the end, where that is known beforehand: of uploads. */
  readonly totalBytes?: number;
}

/** What both directions understand. */
export interface FolderOptions extends FileOptions {
  /** What to leave out, in the form of `.gitignore`: the last pattern that fits decides. */
  readonly ignore?: readonly string[] | undefined;
  /** Called from time to time. A promise that it returns is waited for; if it throws, the call rejects with that. */
  readonly onProgress?: ((progress: FolderProgress) => unknown) | undefined;
}

/** How to copy a folder into a sandbox. */
export interface UploadDirOptions extends FolderOptions {
  /**
   * What to do when there is something in the sandbox's folder: fail with `file_exists`, exchange the folder as a whole,
   * or add to what is there and replace files of the same names. Only `merge` can be half done when it fails.
   * @default "refuse"
   */
  readonly existing?: "refuse" | "replace" | "merge" | undefined;
}

/** How to copy a folder out of a sandbox. */
export interface DownloadDirOptions extends FolderOptions {
  /** What to do when there is something in the host's folder: fail with `file_exists`, or exchange it. @default "refuse" */
  readonly existing?: "refuse" | "replace" | undefined;
  /** The most bytes to accept. @default 4 GiB */
  readonly maxBytes?: number | undefined;
  /** The most files, directories and links to accept. @default 200_000 */
  readonly maxEntries?: number | undefined;
  /**
   * Leaves out what would be unsafe here, and lists it, instead of failing: links that lead out of the folder, devices,
   * pipes, and files that run as their owner (setuid, setgid).
   * @default false
   */
  readonly skipUnsafe?: boolean | undefined;
}

/** What was copied. */
export interface FolderCopy {
  readonly files: number;
  /** Bytes of files. */
  readonly bytes: number;
  /** What could not be copied, or was unsafe to: sockets, devices, pipes, and what `skipUnsafe` says. */
  readonly skipped: readonly string[];
}

const folderFields = {
  ...requestFields,
  user,
  ignore: z.array(z.string()).optional().describe("an array of patterns"),
  onProgress: callback<(progress: FolderProgress) => unknown>(),
};
const existing = z.enum(["refuse", "replace", "merge"]);

const uploadSchema = z.strictObject({
  ...folderFields,
  existing: existing.optional().describe("`refuse`, `replace` or `merge`"),
} satisfies FieldsOf<UploadDirOptions>);

const downloadSchema = z.strictObject({
  ...folderFields,
  existing: existing.exclude(["merge"]).optional().describe("`refuse` or `replace`"),
  maxBytes: positiveInteger,
  maxEntries: positiveInteger,
  skipUnsafe: z.boolean().optional().describe("true or false"),
} satisfies FieldsOf<DownloadDirOptions>);

/** @throws `invalid_argument` */
export const parseUpload = (options: unknown): UploadDirOptions =>
  parseOptions(uploadSchema, options);

/** @throws `invalid_argument` */
export const parseDownload = (options: unknown): DownloadDirOptions =>
  parseOptions(downloadSchema, options);
