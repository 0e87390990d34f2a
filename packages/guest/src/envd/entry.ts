import { lstatSync, readlinkSync, realpathSync, statSync, type Stats } from "node:fs";
import { basename } from "node:path";
import { readMetadata, type Metadata } from "./metadata.ts";
import { ownerNames } from "./users.ts";

type FileType =
  | "FILE_TYPE_UNSPECIFIED"
  | "FILE_TYPE_FILE"
  | "FILE_TYPE_DIRECTORY"
  | "FILE_TYPE_SYMLINK";

/** `filesystem.EntryInfo` as JSON. */
export interface EntryInfo {
  readonly name: string;
  readonly type: FileType;
  readonly path: string;
  readonly size: string;
  readonly mode: number;
  readonly permissions: string;
  readonly owner: string;
  readonly group: string;
  readonly modifiedTime: string;
  readonly symlinkTarget?: string;
  readonly metadata?: Metadata;
}

const formatMask = 0o170000;
const kindLetters: Record<number, string> = {
  0o040000: "d",
  0o120000: "L",
  0o060000: "D",
  0o010000: "p",
  0o140000: "S",
  0o020000: "Dc",
};

/** A mode as Go prints it, which is what E2B's clients see: `-rw-r--r--`, `drwxr-xr-x`, `dtrwxrwxrwx`. */
export function formatPermissions(mode: number): string {
  let prefix = kindLetters[mode & formatMask] ?? "";
  if (mode & 0o4000) prefix += "u";
  if (mode & 0o2000) prefix += "g";
  if (mode & 0o1000) prefix += "t";
  let permissions = prefix || "-";
  for (let bit = 8; bit >= 0; bit--) permissions += mode & (1 << bit) ? "rwx"[(8 - bit) % 3] : "-";
  return permissions;
}

function fileType(stats: Stats): FileType {
  if (stats.isFile()) return "FILE_TYPE_FILE";
  if (stats.isDirectory()) return "FILE_TYPE_DIRECTORY";
  return stats.isSymbolicLink() ? "FILE_TYPE_SYMLINK" : "FILE_TYPE_UNSPECIFIED";
}

/** What a link leads to; `undefined` for a broken or circular link. */
function followed(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** Describes what is at `path` itself; a link has the type and mode of its target, if it has one. */
export function entryInfo(
  path: string,
  names: ReturnType<typeof ownerNames> = ownerNames(),
): EntryInfo {
  const own = lstatSync(path);
  const target = own.isSymbolicLink() ? followed(path) : undefined;
  const seen = target ?? own;
  const metadata = readMetadata(path);
  return {
    name: basename(path) || "/",
    type: fileType(seen),
    path,
    size: String(own.size),
    mode: seen.mode & 0o777,
    permissions: formatPermissions(own.mode),
    owner: names.user(own.uid),
    group: names.group(own.gid),
    modifiedTime: own.mtime.toISOString(),
    ...(metadata && { metadata }),
    ...(own.isSymbolicLink() && {
      symlinkTarget: target ? realpathSync(path) : readlinkSync(path),
    }),
  };
}
