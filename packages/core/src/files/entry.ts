import { timestampDate } from "@bufbuild/protobuf/wkt";
import { EmberboxError } from "../errors.ts";
import { FileType, type EntryInfo as WireEntry } from "../wire/generated/filesystem_pb.ts";

/** What a path holds. */
export type EntryType = "file" | "dir" | "symlink";

/** A file, directory or link in the sandbox. */
export interface EntryInfo {
  readonly name: string;
  /** A link has the type of its target, or `symlink` when the target does not exist. */
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
  /** For a link, the path that it points to. */
  readonly symlinkTarget: string | undefined;
  /** The `metadata` given to `write`, or extended attributes named `user.e2b.*`; keys are lower case. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** A file that was written. */
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
