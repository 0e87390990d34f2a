import { z } from "zod";
import { EmberboxError } from "../errors.ts";
import type { EntryInfo } from "../files/entry.ts";
import { failed, type Outcome, type ToolDefinition, type ToolRun } from "./definition.ts";
import { inputSchema, type InputSchema } from "./input.ts";
import { formatBytes, mimeType } from "./mime.ts";
import { homePath } from "./path.ts";

/** Arguments of `write_file`. */
export interface WriteFileInput {
  readonly path: string;
  readonly content: string;
}

const schema: InputSchema<WriteFileInput> = inputSchema(
  {
    path: z
      .string()
      .min(1)
      .describe("The file: an absolute path, or one relative to the home directory"),
    content: z.string().describe("All that the file is to hold"),
  },
  {
    names: {
      path: ["file_path", "filename", "file_name", "file"],
      content: ["contents", "text", "file_text"],
    },
  },
);

export const writeFileTool: ToolDefinition<WriteFileInput> = {
  name: "write_file",
  title: "Write a file",
  readOnly: false,
  schema,
  describe: ({ workingDirectory }) =>
    "Writes a text file in the sandbox. Directories on the way are made, and a file that is there is replaced. " +
    `Relative paths start in ${workingDirectory}.`,
  run,
};

async function run({ path: given, content }: WriteFileInput, run: ToolRun): Promise<Outcome> {
  const path = homePath(given);
  const before = await entryAt(path, run);
  if (before?.type === "dir")
    return failed(`${before.path} is a directory; give the path of a file.`);
  const bytes = Buffer.from(content);
  const written = await run.sandbox.files.write(path, bytes, { signal: run.signal });
  const change = before === undefined ? "created" : "modified";
  const file = {
    path: written.path,
    mimeType: mimeType(path, bytes.subarray(0, 8192)),
    sizeBytes: bytes.length,
    change,
  } as const;
  const verb = before === undefined ? "Wrote" : "Replaced";
  return { text: `${verb} ${written.path} (${formatBytes(bytes.length)}).`, files: [file] };
}

/** The entry at a path; `undefined` when there is none. */
export async function entryAt(
  path: string,
  { sandbox, signal }: Pick<ToolRun, "sandbox" | "signal">,
): Promise<EntryInfo | undefined> {
  try {
    return await sandbox.files.getInfo(path, { signal });
  } catch (error) {
    if (EmberboxError.isInstance(error) && error.code === "file_not_found") return undefined;
    throw error;
  }
}
