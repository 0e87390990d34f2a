import { EmberboxError } from "../../errors.ts";
import type { ToolRun } from "../definition.ts";
import { editFileTool } from "../edit-file.ts";
import { likeNeighbours, linesOf, snippet } from "../edit.ts";
import { listFilesTool } from "../list-files.ts";
import { homePath } from "../path.ts";
import { readFileTool } from "../read-file.ts";
import { readWholeText } from "../whole-text.ts";
import { writeFileTool } from "../write-file.ts";

/** Arguments of Anthropic's text editor. */
export interface TextEditorInput {
  readonly command: "view" | "create" | "str_replace" | "insert" | (string & {});
  readonly path: string;
  readonly view_range?: readonly number[] | null | undefined;
  readonly file_text?: string | null | undefined;
  readonly old_str?: string | null | undefined;
  readonly new_str?: string | null | undefined;
  /** The line after which the text is inserted; 0 is the beginning. */
  readonly insert_line?: number | null | undefined;
  readonly insert_text?: string | null | undefined;
}

export async function editText(input: TextEditorInput, run: ToolRun): Promise<string> {
  const path = wanted(input.path, "path");
  switch (input.command) {
    case "view":
      return view(path, input.view_range, run);
    case "create": {
      const content = wanted(input.file_text, "file_text");
      return (await writeFileTool.run({ path, content }, run)).text;
    }
    case "str_replace": {
      const old_string = wanted(input.old_str, "old_str");
      const edited = { path, old_string, new_string: input.new_str ?? "" };
      const { text } = await editFileTool.run(edited, run);
      return text
        .replaceAll("`old_string`", "`old_str`")
        .replaceAll("`new_string`", "`new_str`")
        .replace(", or set `replace_all`", "");
    }
    case "insert":
      return insert(path, input, run);
    default:
      throw new EmberboxError(
        "invalid_argument",
        "Expected `command` to be `view`, `create`, `str_replace` or `insert`",
      );
  }
}

async function view(
  path: string,
  range: readonly number[] | null | undefined,
  run: ToolRun,
): Promise<string> {
  const info = await run.sandbox.files.getInfo(homePath(path), { signal: run.signal });
  if (info.type === "dir") return (await listFilesTool.run({ path, depth: 2 }, run)).text;
  const [first = 1, last = -1] = range ?? [];
  const offset = Math.max(Math.trunc(first), 1);
  if (last !== -1 && last < offset) {
    throw new EmberboxError(
      "invalid_argument",
      "Expected `view_range` to be [first, last], with last -1 for the end",
    );
  }
  const limit = last === -1 ? undefined : Math.trunc(last) - offset + 1;
  return (await readFileTool.run({ path, offset, limit, line_numbers: true }, run)).text;
}

async function insert(path: string, input: TextEditorInput, run: ToolRun): Promise<string> {
  const line = input.insert_line;
  const added = wanted(input.insert_text ?? input.new_str, "insert_text");
  const file = await readWholeText(homePath(path), run);
  if ("problem" in file) return file.problem;
  const { lines, join } = linesOf(file.text);
  const count = lines.length;
  if (typeof line !== "number" || !Number.isInteger(line) || line < 0 || line > count) {
    throw new EmberboxError(
      "invalid_argument",
      `Expected \`insert_line\` to be from 0 to ${count}, the lines of the file`,
    );
  }
  const addedLines = file
    .given(added)
    .replace(/\r?\n$/, "")
    .split(/\r?\n/);
  lines.splice(line, 0, ...likeNeighbours(addedLines, lines[line - 1], lines[line]));
  const text = join(lines);
  await run.sandbox.files.write(homePath(path), file.bytes(text), { signal: run.signal });
  return `Edited ${file.path}:\n${snippet(file.shown(text), line + 1, addedLines.length)}`;
}

function wanted(value: unknown, name: string): string {
  if (typeof value === "string") return value;
  throw new EmberboxError("invalid_argument", `The argument \`${name}\` (a string) is missing`);
}
