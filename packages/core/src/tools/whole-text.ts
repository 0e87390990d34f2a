import { isUtf8 } from "node:buffer";
import type { ToolRun } from "./definition.ts";
import { formatBytes, isText } from "./mime.ts";
import { replaceExactly } from "./edit.ts";

/** The largest file that can be edited, in bytes. */
const MAX_BYTES = 10 * 1024 * 1024;

/** Text of a file in a form in which every byte survives that is not replaced, UTF-8 or not. */
export interface FileText {
  readonly text: string;
  /** Text that is to be found in the file, or put into it, in the same form. */
  given(text: string): string;
  bytes(text: string): Buffer;
  /** Text of that form, for reading. */
  shown(text: string): string;
}

export type WholeText = (FileText & { readonly path: string }) | { readonly problem: string };

/** The text of a file's bytes; where those are not UTF-8, with a character for each byte. */
function fileText(bytes: Uint8Array): FileText {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (isUtf8(buffer)) {
    const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(buffer);
    return { text, given: unchanged, bytes: (text) => Buffer.from(text), shown: unchanged };
  }
  return {
    text: buffer.toString("latin1"),
    given: (text) => Buffer.from(text).toString("latin1"),
    bytes: (text) => Buffer.from(text, "latin1"),
    shown: (text) => Buffer.from(text, "latin1").toString(),
  };
}

/** A file's bytes with a text replaced, or why that is not possible. */
export type EditedBytes =
  | { readonly bytes: Buffer; readonly count: number }
  | { readonly problem: string };

/**
 * Replaces the only occurrence of `from` in a file's bytes, or with `all` every one. Line ends count as the same and
 * stay what they are in the file; so does every byte that is not replaced, UTF-8 or not.
 */
export function editBytes(
  given: Uint8Array,
  from: string,
  to: string,
  all: boolean = false,
): EditedBytes {
  const file = fileText(given);
  const edit = replaceExactly(file.text, file.given(from), file.given(to), all);
  if ("problem" in edit) return { problem: file.shown(edit.problem) };
  return { bytes: file.bytes(edit.text), count: edit.count };
}

/** The whole of a text file, or why it cannot be read. @throws `file_not_found` and other errors of `files` */
export async function readWholeText(
  path: string,
  { sandbox, signal }: Pick<ToolRun, "sandbox" | "signal">,
): Promise<WholeText> {
  const info = await sandbox.files.getInfo(path, { signal });
  if (info.type === "dir")
    return { problem: `${info.path} is a directory; give the path of a file.` };
  if (info.type !== "file") return { problem: `${info.path} is not a regular file.` };
  if (info.size > MAX_BYTES) {
    const size = formatBytes(info.size);
    return {
      problem: `${info.path} is too large to be edited here (${size}); use a command such as \`sed\`.`,
    };
  }
  const bytes = await sandbox.files.read(path, { format: "bytes", signal });
  if (!isText(bytes)) return { problem: `${info.path} is not text; work on it with code.` };
  return { path: info.path, ...fileText(bytes) };
}

function unchanged(text: string): string {
  return text;
}
