import { z } from "zod";
import { EmberboxError } from "../errors.ts";
import {
  type FieldsOf,
  milliseconds,
  parseOptions,
  requestFields,
  signal,
  user,
} from "../options.ts";
import type { SandboxConnection } from "../provider.ts";
import { callRpc } from "../wire/rpc-call.ts";
import type { Rpc } from "../wire/rpc.ts";
import { shareTurn } from "../wire/share-turn.ts";
import { entryFrom, type EntryInfo, type WriteInfo } from "./entry.ts";
import { inSandboxSpan } from "../spans.ts";
import { downloadDir } from "./folder/download.ts";
import type { DownloadDirOptions, FolderCopy, UploadDirOptions } from "./folder/options.ts";
import { uploadDir } from "./folder/upload.ts";
import { checkPath } from "./path.ts";
import { readFile, type FileOptions, type ReadFormat, type ReadOptions } from "./read.ts";
import { readFiles } from "./read-many.ts";
import {
  watchDirectory,
  type WatchCallback,
  type WatchHandle,
  type WatchOptions,
} from "./watch.ts";
import { writeFiles, type FileData, type WriteEntry, type WriteOptions } from "./write.ts";

/** How deep to list, and as which user. */
export interface ListOptions extends FileOptions {
  /** How many levels to go down. @default 1 */
  readonly depth?: number | undefined;
}

const schema: z.ZodObject<{
  requestTimeoutMs: typeof milliseconds;
  signal: typeof signal;
  user: typeof user;
}> = z.strictObject({ ...requestFields, user });
const listSchema = z.strictObject({
  ...requestFields,
  user,
  depth: z
    .int()
    .min(1)
    .max(2 ** 32 - 1)
    .optional()
    .describe("a positive integer"),
} satisfies FieldsOf<ListOptions>);

/**
 * The sandbox's files. Paths are absolute, or relative to the user's home directory, and have no `..` segment; every
 * method rejects any other path with `invalid_path`.
 */
export class Files {
  readonly #connection: SandboxConnection;
  readonly #rpc: Rpc;

  /** @internal Use `sandbox.files` instead of creating one. */
  constructor(connection: SandboxConnection, rpc: Rpc) {
    this.#connection = connection;
    this.#rpc = rpc;
  }

  #inSpan<Result>(what: string, work: () => Promise<Result>): Promise<Result> {
    return inSandboxSpan(`files.${what}`, this.#connection.sandboxId, work);
  }

  /**
   * Reads a file of up to 512 MiB as text (UTF-8). Other formats are bytes, a Blob, and a stream, which may be of any
   * size.
   * @throws `file_not_found`, `file_too_large`, `permission_denied`
   */
  read(path: string, options?: ReadOptions<"text">): Promise<string>;
  /** Reads a file of up to 512 MiB as bytes. @throws `file_not_found`, `file_too_large`, `permission_denied` */
  read(path: string, options: ReadOptions<"bytes"> & { format: "bytes" }): Promise<Uint8Array>;
  /** Reads a file of up to 512 MiB as a Blob. @throws `file_not_found`, `file_too_large`, `permission_denied` */
  read(path: string, options: ReadOptions<"blob"> & { format: "blob" }): Promise<Blob>;
  /** Reads a file of any size as a stream of bytes. @throws `file_not_found`, `permission_denied` */
  read(
    path: string,
    options: ReadOptions<"stream"> & { format: "stream" },
  ): Promise<ReadableStream<Uint8Array>>;
  /**
   * Reads several files as text, in the order given; small ones share requests. Together they may have up to 512 MiB. If
   * one cannot be read, none is returned.
   * @throws `file_not_found`, `file_too_large`, `permission_denied`
   */
  read(paths: readonly string[], options?: ReadOptions<"text">): Promise<string[]>;
  /** Reads several files as bytes. @throws `file_not_found`, `file_too_large`, `permission_denied` */
  read(
    paths: readonly string[],
    options: ReadOptions<"bytes"> & { format: "bytes" },
  ): Promise<Uint8Array[]>;
  async read(
    target: string | readonly string[],
    options?: ReadOptions<ReadFormat>,
  ): Promise<Awaited<ReturnType<typeof readFile>> | (string | Uint8Array)[]> {
    return this.#inSpan<Awaited<ReturnType<typeof readFile>> | (string | Uint8Array)[]>(
      "read",
      () =>
        Array.isArray(target)
          ? readFiles(this.#connection, target as readonly string[], options)
          : readFile(this.#connection, target as string, options),
    );
  }

  /**
   * Writes a file. Missing directories are created, and an existing file is replaced. A failed upload may leave part of
   * the file behind.
   * @throws `disk_full`, `permission_denied`
   */
  write(path: string, data: FileData, options?: WriteOptions): Promise<WriteInfo>;
  /** Writes several files as `write` does one; small ones share requests. @throws `disk_full`, `permission_denied` */
  write(files: readonly WriteEntry[], options?: WriteOptions): Promise<WriteInfo[]>;
  async write(
    target: string | readonly WriteEntry[],
    second?: FileData | WriteOptions,
    third?: WriteOptions,
  ): Promise<WriteInfo | WriteInfo[]> {
    if (Array.isArray(target)) {
      return this.#inSpan("write", () =>
        writeFiles(
          this.#connection,
          target as readonly WriteEntry[],
          second as WriteOptions | undefined,
        ),
      );
    }
    const entry = { path: target as string, data: second as FileData };
    const [written] = await this.#inSpan("write", () =>
      writeFiles(this.#connection, [entry], third),
    );
    if (written !== undefined) return written;
    throw new EmberboxError("protocol_error", "The sandbox did not say what it wrote");
  }

  /**
   * Copies a folder of this machine into the sandbox, in one stream: files, empty directories and links, with their modes,
   * times and names, which need not be UTF-8. They become the user's. Links are copied as links and never followed.
   * `guestDir` becomes the folder, and is there as a whole or not at all, unless `existing` is `merge`. While it is
   * unpacked, it takes twice its room on the sandbox's disk.
   * @throws `file_exists`, `invalid_path` when the folder cannot be read, `disk_full`, `permission_denied`
   */
  uploadDir(hostDir: string, guestDir: string, options?: UploadDirOptions): Promise<FolderCopy> {
    return this.#inSpan("upload_dir", () =>
      uploadDir(this.#connection, this.#rpc, hostDir, guestDir, options),
    );
  }

  /**
   * Copies a folder of the sandbox to this machine, in one stream, as `uploadDir` does the other way; there as a whole or
   * not at all. Nothing that the sandbox sends gets out of the folder: what is unsafe is refused, and so is more than
   * `maxBytes` and `maxEntries`. Others of this machine get no right to write to it.
   * @throws `file_not_found`, `file_exists`, `invalid_path` for what is unsafe or cannot be written, `file_too_large`,
   * `host_disk_full`, `permission_denied`
   */
  downloadDir(
    guestDir: string,
    hostDir: string,
    options?: DownloadDirOptions,
  ): Promise<FolderCopy> {
    return this.#inSpan("download_dir", () =>
      downloadDir(this.#connection, this.#rpc, guestDir, hostDir, options),
    );
  }

  /** Lists a directory. @throws `file_not_found` */
  async list(path: string, options?: ListOptions): Promise<EntryInfo[]> {
    checkPath(path);
    const { depth = 1, ...checked } = parseOptions(listSchema, options);
    const { entries } = await callRpc(this.#connection, checked, "file_not_found", (call) =>
      this.#rpc.filesystem.listDir({ path, depth }, call),
    );
    const listed: EntryInfo[] = [];
    for (const entry of entries) {
      listed.push(entryFrom(entry));
      if (listed.length % 200 === 0) await shareTurn();
    }
    return listed;
  }

  /** Creates a directory and its parents. Resolves to false when it already exists. */
  async makeDir(path: string, options?: FileOptions): Promise<boolean> {
    checkPath(path);
    const checked = parseOptions(schema, options);
    try {
      await callRpc(this.#connection, checked, "file_not_found", (call) =>
        this.#rpc.filesystem.makeDir({ path }, call),
      );
      return true;
    } catch (error) {
      if (EmberboxError.isInstance(error) && error.code === "file_exists") return false;
      throw error;
    }
  }

  /** Moves a file or directory. @throws `file_not_found` */
  async rename(from: string, to: string, options?: FileOptions): Promise<EntryInfo> {
    const paths = { source: checkPath(from), destination: checkPath(to) };
    const checked = parseOptions(schema, options);
    const { entry } = await callRpc(this.#connection, checked, "file_not_found", (call) =>
      this.#rpc.filesystem.move(paths, call),
    );
    return entryFrom(entry);
  }

  /** Removes a file, or a directory and everything in it. Succeeds when nothing is there. */
  async remove(path: string, options?: FileOptions): Promise<void> {
    checkPath(path);
    const checked = parseOptions(schema, options);
    await callRpc(this.#connection, checked, "file_not_found", (call) =>
      this.#rpc.filesystem.remove({ path }, call),
    );
  }

  /** Whether anything exists at the path. */
  async exists(path: string, options?: FileOptions): Promise<boolean> {
    try {
      await this.getInfo(path, options);
      return true;
    } catch (error) {
      if (EmberboxError.isInstance(error) && error.code === "file_not_found") return false;
      throw error;
    }
  }

  /** Size, type, owner and times of a file or directory. @throws `file_not_found` */
  async getInfo(path: string, options?: FileOptions): Promise<EntryInfo> {
    checkPath(path);
    const checked = parseOptions(schema, options);
    const { entry } = await callRpc(this.#connection, checked, "file_not_found", (call) =>
      this.#rpc.filesystem.stat({ path }, call),
    );
    return entryFrom(entry);
  }

  /**
   * Watches a directory. From when this resolves, `onEvent` is called with each change, one after the other. When the
   * directory is removed or moved away, the last change is one of `.` and the watch ends; it also ends when `onEvent`
   * throws.
   * @throws `file_not_found`, `invalid_argument` when it is not a directory; through `onExit` also `timeout`,
   * `events_lost`
   */
  watchDir(path: string, onEvent: WatchCallback, options?: WatchOptions): Promise<WatchHandle> {
    return watchDirectory(this.#connection, this.#rpc, path, onEvent, options);
  }
}
