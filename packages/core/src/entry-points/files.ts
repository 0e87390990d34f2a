// The public API of `@emberbox/core/files`: what the methods of `sandbox.files` take and return.
export type { EntryType, WriteInfo } from "../files/entry.ts";
export type { FileUrlOptions } from "../files/file-url.ts";
export type {
  DownloadDirOptions,
  FolderCopy,
  FolderOptions,
  FolderProgress,
  UploadDirOptions,
} from "../files/folder/options.ts";
export type { ListOptions } from "../files/files.ts";
export type { FileOptions, ReadFormat, ReadOptions } from "../files/read.ts";
export type { WatchCallback, WatchOptions } from "../files/watch.ts";
export type { FileData, WriteEntry, WriteOptions } from "../files/write.ts";
