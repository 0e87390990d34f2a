import { z } from "zod";
import { EmberboxError } from "../errors.ts";
import type { Execution, Result } from "../interpreter/execution.ts";
import type { FileChange } from "../interpreter/file-change.ts";
import { withoutFence } from "./arguments.ts";
import type { Outcome, ToolDefinition, ToolLimits, ToolRun } from "./definition.ts";
import { endingText, runLimit, type RunLimit } from "./ending.ts";
import { languageName } from "../interpreter/language-names.ts";
import { languageNames, type SandboxFacts } from "./facts.ts";
import { inputSchema, type InputSchema } from "./input.ts";
import { formatBytes, formatDuration } from "./mime.ts";
import { picturesOf } from "./pictures.ts";
import { showPrinted, withoutColours } from "./printed.ts";
import { chartsOf, tablesOf } from "./rich.ts";
import { truncate } from "./truncate.ts";
import type { ToolFile } from "./types.ts";

/** Arguments of `run_code`. */
export interface RunCodeInput {
  readonly language?: string | undefined;
  readonly code: string;
  readonly timeout_ms?: number | undefined;
}

const schema: InputSchema<RunCodeInput> = inputSchema(
  {
    language: z.string().optional().describe("Language of the code; python when left out"),
    code: z.string().describe("The code to run"),
    timeout_ms: z.int().min(1).optional().describe("How long it may run, in milliseconds"),
  },
  {
    names: { code: ["script", "source", "program"], language: ["lang"] },
    lists: { code: (lines) => lines.join("\n") },
  },
);

export const runCodeTool: ToolDefinition<RunCodeInput> = {
  name: "run_code",
  title: "Run code",
  readOnly: false,
  schema,
  describe,
  run,
};

function describe(
  { languages, software, workingDirectory, network }: SandboxFacts,
  limits: ToolLimits,
): string {
  return [
    `Runs code in ${languageNames(languages)} in an isolated Linux machine, as a notebook runs a cell:`,
    "the value of the last expression is shown, and variables, imports and functions stay for later calls",
    "in the same language. A figure comes back as a picture.",
    software,
    `Code starts in ${workingDirectory}; files stay until the sandbox ends, and are shared by all languages.`,
    network,
    `It is stopped after ${formatDuration(limits.timeoutMs)}, or \`timeout_ms\`, up to ${formatDuration(limits.maxTimeoutMs)}.`,
    `Output beyond ${formatBytes(limits.maxOutputBytes)} is cut in the middle and kept whole in a file.`,
    "There is no input: code that reads from the keyboard fails.",
  ]
    .filter((sentence) => sentence !== "")
    .join(" ");
}

async function run(input: RunCodeInput, run: ToolRun): Promise<Outcome> {
  const { sandbox, signal, onOutput, limits } = run;
  const fenced = withoutFence(input.code);
  const language = languageName(input.language || fenced.language || "python") || "python";
  const python = language === "python";
  const limit = runLimit(input.timeout_ms, limits);
  try {
    const execution = await sandbox.runCode(fenced.text, {
      // The template's usual language may be another one.
      language,
      timeoutMs: limit.timeoutMs,
      signal,
      ...(run.reportFiles && python && { reportFiles: true }),
      ...(onOutput && {
        onStdout: ({ line }) => onOutput({ stream: "stdout", text: line }),
        onStderr: ({ line }) => onOutput({ stream: "stderr", text: line }),
      }),
    });
    return await show(execution, undefined, run, limit);
  } catch (error) {
    signal?.throwIfAborted();
    const execution = EmberboxError.isInstance(error) ? error.details["execution"] : undefined;
    if (execution === undefined) throw error;
    return show(execution as Execution, error as EmberboxError, run, limit);
  }
}

async function show(
  execution: Execution,
  failure: EmberboxError | undefined,
  run: ToolRun,
  limit: RunLimit,
): Promise<Outcome> {
  const { logs, truncated, error } = execution;
  const printed = await showPrinted(
    {
      stdout: logs.stdout.join(""),
      stderr: logs.stderr.join(""),
      stdoutBytes: truncated?.stdoutBytes,
      stderrBytes: truncated?.stderrBytes,
    },
    run,
  );
  const pictures = await picturesOf(execution.results, run);
  const values = execution.results.flatMap((result) => textOf(result));
  const value = truncate(values.join("\n"), run.limits.maxOutputBytes);
  const files = (execution.files ?? []).map(fileOf);
  const traceback =
    error && truncate(withoutColours(error.traceback || `${error.name}: ${error.value}`), 8000);
  const sections = [
    ...printed.sections,
    ...(value.text === "" ? [] : [`result:\n${value.text}`]),
    ...(traceback === undefined ? [] : [`error:\n${traceback.text.trimEnd()}`]),
    ...pictures.notes,
    ...(files.length === 0 ? [] : [filesText(files)]),
    ...(failure === undefined ? [] : [endingText(failure, "code", limit.timeoutMs, run.replaced)]),
  ];
  const charts = chartsOf(execution.results);
  const tables = tablesOf(execution.results);
  return {
    text: `${sections.join("\n\n") || "The code ran without output."}${limit.note}`,
    isError: error !== undefined || failure !== undefined,
    pictures: pictures.pictures,
    files: [...printed.files, ...pictures.files, ...files],
    data: {
      ...printed.data,
      truncated:
        printed.data.truncated ||
        value.truncated ||
        pictures.notes.length > pictures.pictures.length,
      timedOut: failure?.code === "timeout",
      outOfMemory: failure?.code === "out_of_memory",
      ...(value.text !== "" && { value: value.text }),
      ...(error && { exception: { name: error.name, message: truncate(error.value, 2000).text } }),
      ...(charts.length > 0 && { charts }),
      ...(tables.length > 0 && { tables }),
      ...(failure && { errorCode: failure.code }),
    },
  };
}

/** The text of a result for a model; a picture needs none. */
function textOf(result: Result): string[] {
  if (result.png !== undefined || result.jpeg !== undefined) return [];
  const { text, markdown, latex, html, json } = result;
  const shown = text ?? markdown ?? latex ?? (json === undefined ? html : JSON.stringify(json));
  return shown === undefined || shown === "" ? [] : [shown];
}

function fileOf({ path, mimeType, size, change }: FileChange): ToolFile {
  return { path, mimeType, sizeBytes: size, change };
}

function filesText(files: readonly ToolFile[]): string {
  const lines = files
    .slice(0, 50)
    .map(({ path, sizeBytes, change }) => `${path} (${change}, ${formatBytes(sizeBytes)})`);
  const more = files.length > 50 ? [`and ${files.length - 50} more`] : [];
  return `files:\n${[...lines, ...more].join("\n")}`;
}
