import { timestampDate } from "@bufbuild/protobuf/wkt";
import { EmberboxError } from "../errors.ts";
import { FileType, type EntryInfo as WireEntry } from "../wire/generated/filesystem_pb.ts";

export type EntryType = "file" | "dir" | "symlink";

/** A file, directory or link in the sandbox. */
export interface EntryInfo {
  readonly name: string;
  /** A link has the type of what it points to; `symlink` when that does not exist. */
  readonly type: EntryType | undefined;
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Permission bits, such as `0o644`. */
  readonly mode: number;
  /** Such as `-rw-r--r--`. */
  readonly permissions: string;
  readonly owner: string;
  readonly group: string;
  readonly modifiedTime: Date | undefined;
  /** Where the link points, when it is one. */
  readonly symlinkTarget: string | undefined;
  /** What `write` was given as `metadata`, or extended attributes `user.e2b.*`; keys are in lower case. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** What was written. */
export interface WriteInfo {
  readonly name: string;
  readonly type: EntryType | undefined;
  readonly path: string;
}

const types: Readonly<Partial<Record<FileType, EntryType>>> = {
  [FileType.FILE]: "file",
  [FileType.DIRECTORY]: "dir",
  [FileType.SYMLINK]: "symlink",
};

export function entryFrom(entry: WireEntry | undefined): EntryInfo {
  if (entry === undefined)
    throw new EmberboxError("protocol_error", "The sandbox's answer has no entry");
  return {
    name: entry.name,
    type: types[entry.type],
    path: entry.path,
    size: Number(entry.size),
    mode: entry.mode,
    permissions: entry.permissions,
    owner: entry.owner,
    group: entry.group,
    modifiedTime: entry.modifiedTime && timestampDate(entry.modifiedTime),
    symlinkTarget: entry.symlinkTarget,
    metadata: { ...entry.metadata },
  };
}
