import type {
  DeleteResult,
  EditResult,
  FileDownloadResponse,
  FileOperationError,
  FileUploadResponse,
  LsResult,
  WriteResult,
} from "deepagents";
import { editBytes } from "@emberbox/core/tools";
import { asAnyUser, hasCode, type BackendCall } from "./call.ts";

const MAX_EDIT_BYTES = 50 * 1024 * 1024;

/** Lists a directory; a missing one is empty, as deep agents expect. */
export async function ls({ sandbox, signal }: BackendCall, path: string): Promise<LsResult> {
  try {
    const entries = await asAnyUser((as) => sandbox.files.list(path, { signal, ...as }));
    return {
      files: entries.map(({ path, type, size, modifiedTime }) => ({
        path: type === "dir" ? `${path}/` : path,
        is_dir: type === "dir",
        size,
        modified_at: (modifiedTime ?? new Date(0)).toISOString(),
      })),
    };
  } catch (error) {
    if (hasCode(error, "file_not_found")) return { files: [] };
    throw error;
  }
}

/** Writes text unchanged, whatever the file is called. */
export async function write(
  { sandbox, signal }: BackendCall,
  path: string,
  content: string,
): Promise<WriteResult> {
  await asAnyUser((as) => sandbox.files.write(path, content, { signal, ...as }));
  return { path, filesUpdate: null };
}

/** Replaces text whatever its line ends, and leaves every other byte unchanged, even in files that are not UTF-8. */
export async function edit(
  call: BackendCall,
  path: string,
  oldString: string,
  newString: string,
  replaceAll: boolean,
): Promise<EditResult> {
  const { sandbox, signal } = call;
  const before = await readBytes(call, path);
  if (typeof before === "string") return { error: before };
  const changed = replace(before, oldString, newString, replaceAll);
  if (typeof changed === "string") return { error: `'${path}' was not changed: ${changed}` };
  const { bytes, occurrences } = changed;
  if (bytes !== before) {
    await asAnyUser((as) => sandbox.files.write(path, bytes, { signal, ...as }));
  }
  return { path, filesUpdate: null, occurrences };
}

async function readBytes({ sandbox, signal }: BackendCall, path: string): Promise<Buffer | string> {
  try {
    return await asAnyUser(async (as) => {
      const { type, size } = await sandbox.files.getInfo(path, { signal, ...as });
      if (type !== "file") return `'${path}' is not a regular file`;
      if (size > MAX_EDIT_BYTES) return `File '${path}' is too large to be edited; use a command`;
      const bytes = await sandbox.files.read(path, { format: "bytes", signal, ...as });
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    });
  } catch (error) {
    if (hasCode(error, "file_not_found")) return `File '${path}' not found`;
    throw error;
  }
}

function replace(
  before: Buffer,
  oldString: string,
  newString: string,
  replaceAll: boolean,
): { bytes: Buffer; occurrences: number } | string {
  if (oldString === "") {
    if (before.length > 0)
      return "the text to replace may be empty only in an empty file, which it is not";
    return { bytes: Buffer.from(newString), occurrences: newString === "" ? 0 : 1 };
  }
  // deepagents counts text that is replaced by itself as one occurrence.
  if (oldString === newString)
    return before.includes(oldString)
      ? { bytes: before, occurrences: 1 }
      : "`old_string` was not found";
  const edited = editBytes(before, oldString, newString, replaceAll);
  return "problem" in edited ? edited.problem : { bytes: edited.bytes, occurrences: edited.count };
}

/** Removes a file, or a directory and everything in it. */
export async function remove(
  { sandbox, signal }: BackendCall,
  path: string,
): Promise<DeleteResult> {
  return asAnyUser(async (as) => {
    const there = await sandbox.files.exists(path, { signal, ...as });
    if (!there) return { error: `'${path}' not found` };
    await sandbox.files.remove(path, { signal, ...as });
    return { path, filesUpdate: null };
  });
}

export async function upload(
  { sandbox, signal }: BackendCall,
  files: readonly (readonly [string, Uint8Array])[],
): Promise<FileUploadResponse[]> {
  const answers: FileUploadResponse[] = [];
  for (const [path, bytes] of files) {
    const error = await asAnyUser((as) => sandbox.files.write(path, bytes, { signal, ...as })).then(
      () => null,
      errorOf,
    );
    answers.push({ path, error });
  }
  return answers;
}

export async function download(
  { sandbox, signal }: BackendCall,
  paths: readonly string[],
): Promise<FileDownloadResponse[]> {
  const answers: FileDownloadResponse[] = [];
  for (const path of paths) {
    const answer = await asAnyUser((as) =>
      sandbox.files.read(path, { format: "bytes", signal, ...as }),
    ).then(
      (content) => ({ content, error: null }),
      (error: unknown) => ({ content: null, error: errorOf(error) }),
    );
    answers.push({ path, ...answer });
  }
  return answers;
}

/** The deepagents code for an error. An error without one ends the whole operation. */
function errorOf(error: unknown): FileOperationError {
  if (hasCode(error, "file_not_found")) return "file_not_found";
  if (hasCode(error, "permission_denied")) return "permission_denied";
  if (hasCode(error, "invalid_path")) return "invalid_path";
  if (hasCode(error, "invalid_argument")) return "is_directory";
  throw error;
}

/** Passes text off as a code, where deepagents has none; it shows codes as they are. */
export function asErrorCode(text: string): FileOperationError {
  return text as FileOperationError;
}
