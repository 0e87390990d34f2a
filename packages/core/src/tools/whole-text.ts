import type { ToolRun } from "./definition.ts";
import { decodeText, formatBytes } from "./mime.ts";

/** The largest file that can be edited, in bytes. */
const MAX_BYTES = 10 * 1024 * 1024;

export type WholeText =
  | { readonly path: string; readonly text: string }
  | { readonly problem: string };

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
  const text = decodeText(bytes);
  if (text === undefined)
    return { problem: `${info.path} is not UTF-8 text; work on it with code.` };
  return { path: info.path, text };
}
