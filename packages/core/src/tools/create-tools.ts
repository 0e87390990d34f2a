import type { z } from "zod";
import { EmberboxError } from "../errors.ts";
import { SandboxSessions, type SandboxSessionsOptions } from "../sessions/sandbox-sessions.ts";
import type { SandboxSource } from "../sessions/source.ts";
import { callTool } from "./call.ts";
import type { ToolDefinition } from "./definition.ts";
import { editFileTool, type EditFileInput } from "./edit-file.ts";
import { factsOf } from "./facts.ts";
import type { JsonSchema } from "./arguments.ts";
import { listFilesTool, type ListFilesInput } from "./list-files.ts";
import { resolveToolOptions, type ToolOptions } from "./options.ts";
import { readFileTool, type ReadFileInput } from "./read-file.ts";
import { runCodeTool, type RunCodeInput } from "./run-code.ts";
import { runCommandTool, type RunCommandInput } from "./run-command.ts";
import { streamTool } from "./stream.ts";
import type { ToolContext, ToolName, ToolProgress, ToolResult } from "./types.ts";
import { writeFileTool, type WriteFileInput } from "./write-file.ts";

/** The arguments of each tool. */
export interface ToolInputs {
  run_code: RunCodeInput;
  run_command: RunCommandInput;
  read_file: ReadFileInput;
  write_file: WriteFileInput;
  edit_file: EditFileInput;
  list_files: ListFilesInput;
}

type Definitions = { readonly [Name in ToolName]: ToolDefinition<ToolInputs[Name]> };

const definitions: Definitions = {
  run_code: runCodeTool,
  run_command: runCommandTool,
  read_file: readFileTool,
  write_file: writeFileTool,
  edit_file: editFileTool,
  list_files: listFilesTool,
};

/** A tool, in the form that frameworks need. */
export interface SandboxTool<Name extends ToolName = ToolName> {
  /** Which tool it is. */
  readonly kind: Name;
  /** The name that models call it by: its kind, after the prefix. */
  readonly name: string;
  readonly title: string;
  /** The description for the model; it never changes during the life of the set. */
  readonly description: string;
  /** Describes the arguments but accepts anything: `execute` checks them, and explains what is wrong. */
  readonly inputSchema: z.ZodType<ToolInputs[Name]>;
  /** The same, as a JSON schema (draft 7). */
  readonly jsonSchema: JsonSchema;
  /** As `inputSchema`, in the form of `strictJsonSchema`. */
  readonly strictInputSchema: z.ZodType<ToolInputs[Name]>;
  /**
   * The JSON schema for requests with `strict: true`, as OpenAI demands it: every property is required, optional ones
   * may be null, and there are no bounds. `execute` takes arguments of either form.
   */
  readonly strictJsonSchema: JsonSchema;
  /** True when it changes nothing. */
  readonly readOnly: boolean;
  /** Runs the tool. Rejects only with an aborted signal's reason, or with what `onOutput` throws. */
  execute(input: unknown, context?: ToolContext): Promise<ToolResult>;
  /** Runs the tool, yielding progress now and then and the result last. Ending the iteration early stops the work. */
  stream(
    input: unknown,
    context?: ToolContext,
  ): AsyncGenerator<ToolProgress | ToolResult, void, undefined>;
}

/** Tools and the sandboxes they work in. `await using` ends the sandboxes created here. */
export class SandboxTools implements AsyncDisposable {
  readonly sessions: SandboxSessions;
  readonly tools: readonly SandboxTool[];
  readonly #owned: boolean;

  constructor(source?: SandboxSource | SandboxSessions, options: ToolOptions = {}) {
    const { include, prefix, facts, limits, reportFiles, progress, ...lifecycle } =
      resolveToolOptions(options);
    this.#owned = !(source instanceof SandboxSessions);
    this.sessions =
      source instanceof SandboxSessions
        ? source
        : new SandboxSessions(source, lifecycle satisfies SandboxSessionsOptions);
    const known = factsOf(this.sessions, facts);
    const settings = { sessions: this.sessions, limits, reportFiles };
    this.tools = include.map((kind) => {
      const definition = definitions[kind] as ToolDefinition<unknown>;
      const { title, readOnly, schema } = definition;
      const execute = (input: unknown, context: ToolContext = {}): Promise<ToolResult> =>
        callTool(definition, input, context, settings);
      return Object.freeze({
        kind,
        name: `${prefix}${kind}`,
        title,
        description: [definition.describe(known, limits), known.folders].filter(Boolean).join(" "),
        inputSchema: schema.lenient as SandboxTool["inputSchema"],
        jsonSchema: schema.json,
        strictInputSchema: schema.strictLenient as SandboxTool["inputSchema"],
        strictJsonSchema: schema.strictJson,
        readOnly,
        execute,
        stream: (input: unknown, context: ToolContext = {}) =>
          streamTool(kind, (inner) => execute(input, inner), context, progress),
      });
    });
  }

  /** Finds a tool by kind. @throws `invalid_argument` when the set does not include it */
  get<Name extends ToolName>(kind: Name): SandboxTool<Name> {
    const found = this.tools.find((tool) => tool.kind === kind);
    if (found !== undefined) return found as unknown as SandboxTool<Name>;
    throw new EmberboxError("invalid_argument", `These tools do not include ${kind}`);
  }

  /**
   * Runs a tool by the name that the model used, with its arguments as an object or as JSON text: all that a
   * hand-written loop needs. An unknown name also gives a result.
   */
  async execute(name: string, input: unknown, context?: ToolContext): Promise<ToolResult> {
    const tool = this.tools.find((tool) => tool.name === name);
    if (tool !== undefined) return tool.execute(input, context);
    context?.signal?.throwIfAborted();
    const names = this.tools.map((tool) => tool.name).join(", ");
    return {
      status: "done",
      tool: this.tools[0]?.kind ?? "run_code",
      isError: true,
      text: `There is no tool ${JSON.stringify(name.slice(0, 100))}. The tools are: ${names}.`,
      pictures: [],
      files: [],
      data: { durationMs: 0, timedOut: false, outOfMemory: false, truncated: false },
    };
  }

  /** Ends the sandboxes that were created here. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#owned) await this.sessions[Symbol.asyncDispose]();
  }
}

/**
 * Creates tools for an agent. They work in the given sandbox, or in sandboxes of a provider (by default the engine on
 * this machine), one for each conversation, created when first needed.
 * @throws `invalid_argument`, `unsupported`
 */
export function createSandboxTools(
  source?: SandboxSource | SandboxSessions,
  options?: ToolOptions,
): SandboxTools {
  return new SandboxTools(source, options);
}
