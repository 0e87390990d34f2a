import { z } from "zod";
import type { EntryInfo } from "../files/entry.ts";
import {
  failed,
  type Outcome,
  type ToolDefinition,
  type ToolLimits,
  type ToolRun,
} from "./definition.ts";
import type { SandboxFacts } from "./facts.ts";
import { inputSchema, type InputSchema } from "./input.ts";
import { readLines, readBeginning } from "./lines.ts";
import { formatBytes, isText, mimeType, pictureType } from "./mime.ts";
import { homePath } from "./path.ts";
import { pictureProblem } from "./gate.ts";
import { pictureFrom } from "./pictures.ts";
import { smallerPicture } from "./smaller.ts";

/** Arguments of `read_file`. */
export interface ReadFileInput {
  readonly path: string;
  readonly offset?: number | undefined;
  readonly limit?: number | undefined;
  readonly line_numbers?: boolean | undefined;
}

const DEFAULT_LINES = 2000;

const schema: InputSchema<ReadFileInput> = inputSchema(
  {
    path: z
      .string()
      .min(1)
      .describe("The file: an absolute path, or one relative to the home directory"),
    offset: z.int().min(1).optional().describe("The first line to read, counted from 1"),
    limit: z
      .int()
      .min(1)
      .optional()
      .describe(`How many lines to read; ${DEFAULT_LINES} when left out`),
    line_numbers: z.boolean().optional().describe("Puts its number before each line"),
  },
  {
    names: {
      path: ["file_path", "filename", "file_name", "file"],
      offset: ["start_line"],
      limit: ["max_lines"],
    },
  },
);

export const readFileTool: ToolDefinition<ReadFileInput> = {
  name: "read_file",
  title: "Read a file",
  readOnly: true,
  schema,
  describe,
  run,
};

function describe({ workingDirectory }: SandboxFacts, { maxOutputBytes }: ToolLimits): string {
  return [
    "Reads a text file of the sandbox, by lines, or shows a picture (PNG, JPEG, WebP).",
    `Relative paths start in ${workingDirectory}.`,
    `At most ${formatBytes(maxOutputBytes)} come at once; the result says how to read on.`,
  ].join(" ");
}

async function run(input: ReadFileInput, run: ToolRun): Promise<Outcome> {
  const { files } = run.sandbox;
  const path = homePath(input.path);
  const info = await files.getInfo(path, { signal: run.signal });
  if (info.type === "dir") return directory(info, run);
  if (info.type !== "file") return failed(`${info.path} is not a regular file and cannot be read.`);
  const stream = (): Promise<ReadableStream<Uint8Array>> =>
    files.read(path, { format: "stream", signal: run.signal });
  const beginning = await readBeginning(await stream(), 8192);
  const type = pictureType(beginning);
  if (type !== undefined) return picture(info, type, path, run);
  if (!isText(beginning)) return binary(info, beginning);
  return lines(input, info, await stream(), beginning, run);
}

async function lines(
  { offset = 1, limit = DEFAULT_LINES, line_numbers }: ReadFileInput,
  info: EntryInfo,
  stream: ReadableStream<Uint8Array>,
  beginning: Uint8Array,
  { limits }: ToolRun,
): Promise<Outcome> {
  const read = await readLines(stream, { offset, limit, maxBytes: limits.maxOutputBytes });
  const file = {
    path: info.path,
    mimeType: mimeType(info.path, beginning),
    sizeBytes: info.size,
    change: "read",
  } as const;
  if (read === "binary") return binary(info, beginning);
  const { lines: found, more, cut, seen } = read;
  if (found.length === 0) {
    const text = seen === 0 ? "(The file is empty.)" : `The file has only ${seen} lines.`;
    return seen === 0 ? { text, files: [file] } : failed(text);
  }
  const last = offset + found.length - 1;
  const width = String(last).length;
  const shown = line_numbers
    ? found.map((line, at) => `${String(offset + at).padStart(width)}\t${line}`)
    : found;
  const notes = [
    ...(more ? [`Lines ${offset} to ${last} are shown; read on with \`offset\` ${last + 1}.`] : []),
    ...(cut > 0 ? [`${cut} long lines are cut.`] : []),
    ...(shown.some((line) => line.includes("\ufffd"))
      ? [
          "Bytes that are not UTF-8 are shown as \ufffd; edits of other text leave them as they are.",
        ]
      : []),
  ];
  return {
    text: shown.join("\n") + (notes.length > 0 ? `\n\n(${notes.join(" ")})` : ""),
    files: [file],
    data: { truncated: more || cut > 0, lines: { first: offset, last, more } },
  };
}

async function picture(
  info: EntryInfo,
  type: string,
  path: string,
  { sandbox, limits, signal }: ToolRun,
): Promise<Outcome> {
  const size = formatBytes(info.size);
  const stream = await sandbox.files.read(path, { format: "stream", signal });
  // One byte more than may be shown tells what is too large.
  const most = Math.min(limits.maxPictureBytes, limits.maxTotalPictureBytes);
  const bytes = await readBeginning(stream, most + 1);
  const files = [
    { path: info.path, mimeType: type, sizeBytes: info.size, change: "read" },
  ] as const;
  const problem = pictureProblem(bytes, most);
  if (problem === undefined) {
    const text = `[picture: ${info.path}, ${type}, ${size}]`;
    return { text, pictures: [pictureFrom(bytes, type, info.path)], files };
  }
  const copy = await smallerPicture(sandbox, info.path, { maxBytes: most, signal });
  if (copy === undefined)
    return failed(`${info.path} is a picture (${type}, ${size}), ${problem}.`);
  const text = `[picture: ${info.path}, ${type}, ${size}, shown as ${copy.note}]`;
  return { text, pictures: [pictureFrom(copy.bytes, copy.mimeType, info.path)], files };
}

function binary(info: EntryInfo, beginning: Uint8Array): Outcome {
  const type = mimeType(info.path, beginning);
  const [first, second] = beginning;
  const isUtf16 = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  const advice = isUtf16
    ? "It looks like UTF-16: `iconv -f UTF-16 -t UTF-8` makes UTF-8 of it."
    : "Work on it with code or a command, such as `file`, `xxd` or a library that knows the format.";
  return failed(`${info.path} is not UTF-8 text (${type}, ${formatBytes(info.size)}). ${advice}`);
}

async function directory(info: EntryInfo, { sandbox, signal }: ToolRun): Promise<Outcome> {
  const entries = await sandbox.files.list(info.path, { signal });
  const names = entries.slice(0, 50).map(({ name, type }) => (type === "dir" ? `${name}/` : name));
  const more = entries.length > 50 ? `, and ${entries.length - 50} more` : "";
  return failed(`${info.path} is a directory. It has: ${names.join(", ") || "nothing"}${more}.`);
}
