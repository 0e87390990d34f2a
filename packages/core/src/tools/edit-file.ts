import { z } from "zod";
import { failed, type Outcome, type ToolDefinition, type ToolRun } from "./definition.ts";
import { replaceExactly, snippet } from "./edit.ts";
import { inputSchema, type InputSchema } from "./input.ts";
import { mimeType } from "./mime.ts";
import { homePath } from "./path.ts";
import { readWholeText } from "./whole-text.ts";

/** Arguments of `edit_file`. */
export interface EditFileInput {
  readonly path: string;
  readonly old_string: string;
  readonly new_string: string;
  readonly replace_all?: boolean | undefined;
}

const schema: InputSchema<EditFileInput> = inputSchema(
  {
    path: z
      .string()
      .min(1)
      .describe("The file: an absolute path, or one relative to the home directory"),
    old_string: z
      .string()
      .describe("The text to replace, exactly as it is in the file, white space included"),
    new_string: z.string().describe("What takes its place; empty to remove it"),
    replace_all: z.boolean().optional().describe("Replaces every occurrence, not only one"),
  },
  {
    names: {
      path: ["file_path", "filename", "file_name", "file"],
      old_string: ["old_str", "old_text"],
      new_string: ["new_str", "new_text"],
    },
  },
);

export const editFileTool: ToolDefinition<EditFileInput> = {
  name: "edit_file",
  title: "Edit a file",
  readOnly: false,
  schema,
  describe: ({ workingDirectory }) =>
    "Replaces text in a text file of the sandbox. `old_string` has to match exactly, and only once unless " +
    `\`replace_all\` is set; without line numbers. Relative paths start in ${workingDirectory}.`,
  run,
};

async function run(input: EditFileInput, run: ToolRun): Promise<Outcome> {
  const path = homePath(input.path);
  const file = await readWholeText(path, run);
  if ("problem" in file) return failed(file.problem);
  const all = input.replace_all ?? false;
  const to = file.given(input.new_string);
  const edit = replaceExactly(file.text, file.given(input.old_string), to, all);
  if ("problem" in edit) return failed(`${file.path} was not changed: ${file.shown(edit.problem)}`);
  const bytes = file.bytes(edit.text);
  await run.sandbox.files.write(path, bytes, { signal: run.signal });
  const times = edit.count === 1 ? "" : ` in ${edit.count} places`;
  const lines = input.new_string.split("\n").length;
  return {
    text: `Edited ${file.path}${times}:\n${snippet(file.shown(edit.text), edit.firstLine, lines)}`,
    files: [
      {
        path: file.path,
        mimeType: mimeType(file.path, bytes.subarray(0, 8192)),
        sizeBytes: bytes.length,
        change: "modified",
      },
    ],
    data: { replacements: edit.count },
  };
}
