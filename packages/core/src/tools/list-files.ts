import { z } from "zod";
import type { EntryInfo } from "../files/entry.ts";
import { failed, type Outcome, type ToolDefinition, type ToolRun } from "./definition.ts";
import { inputSchema, type InputSchema } from "./input.ts";
import { formatBytes } from "./mime.ts";
import { homePath } from "./path.ts";
import type { ToolEntry } from "./types.ts";

/** Arguments of `list_files`. */
export interface ListFilesInput {
  readonly path?: string | undefined;
  readonly depth?: number | undefined;
  readonly limit?: number | undefined;
}

const DEFAULT_LIMIT = 200;

const schema: InputSchema<ListFilesInput> = inputSchema(
  {
    path: z.string().optional().describe("The directory; the home directory when left out"),
    depth: z
      .int()
      .min(1)
      .max(10)
      .optional()
      .describe("How many levels to go down, up to 10; 1 when left out"),
    limit: z
      .int()
      .min(1)
      .max(1000)
      .optional()
      .describe(`How many entries to show, up to 1000; ${DEFAULT_LIMIT} when left out`),
  },
  { names: { path: ["directory", "dir", "folder", "directory_path"], limit: ["max_entries"] } },
);

export const listFilesTool: ToolDefinition<ListFilesInput> = {
  name: "list_files",
  title: "List files",
  readOnly: true,
  schema,
  describe: ({ workingDirectory }) =>
    `Lists a directory of the sandbox with the sizes of its files, hidden ones too; directories end with \`/\`. ` +
    `Relative paths start in ${workingDirectory}.`,
  run,
};

async function run(
  { path = ".", depth = 1, limit = DEFAULT_LIMIT }: ListFilesInput,
  run: ToolRun,
): Promise<Outcome> {
  const { files } = run.sandbox;
  const info = await files.getInfo(homePath(path), { signal: run.signal });
  if (info.type !== "dir") {
    return failed(
      `${info.path} is not a directory but a file (${formatBytes(info.size)}); read it instead.`,
    );
  }
  const found = await files.list(info.path, { depth, signal: run.signal });
  const sorted = found.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const shown = sorted.slice(0, limit);
  const prefix = info.path === "/" ? "/" : `${info.path}/`;
  const lines = shown.map((entry) => line(entry, prefix));
  const more =
    sorted.length > shown.length
      ? `\n\n(${shown.length} of ${sorted.length} entries are shown; list a directory below, or raise \`limit\`.)`
      : "";
  return {
    text:
      lines.length === 0 ? `${info.path} is empty.` : `${info.path}:\n${lines.join("\n")}${more}`,
    data: { truncated: more !== "", entries: shown.map(entryOf) },
  };
}

function line({ path, type, size, symlinkTarget }: EntryInfo, prefix: string): string {
  const shown = JSON.stringify(path.startsWith(prefix) ? path.slice(prefix.length) : path).slice(
    1,
    -1,
  );
  const link = symlinkTarget === undefined ? "" : ` -> ${symlinkTarget}`;
  if (type === "dir") return `${shown}/${link}`;
  return type === "file" ? `${shown} (${formatBytes(size)})${link}` : `${shown}${link}`;
}

function entryOf({ path, type, size }: EntryInfo): ToolEntry {
  return { path, type: type ?? "other", sizeBytes: size };
}
