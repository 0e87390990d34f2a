import { type FieldsOf, parseOptions } from "@emberbox/core/options";
import { applyPatchTool, type Editor, type Tool, tool } from "@openai/agents-core";
import { type Capability, compaction, filesystem, shell } from "@openai/agents-core/sandbox";
import { z } from "zod";
import { withAbort } from "./abort.ts";
import { runCode, type RunCodeOptions } from "./run-code.ts";

/** What the capabilities include, and when they ask for approval. */
export interface CapabilitiesOptions {
  /** How long one call of `exec_command` or `write_stdin` may take, in milliseconds. @default no limit */
  readonly timeoutMs?: number | undefined;
  /**
   * For models that only take functions, such as those of the AI SDK: turns `apply_patch` into a function.
   * @default false
   */
  readonly functionsOnly?: boolean | undefined;
  /** Options of `run_code`; false leaves it out. */
  readonly runCode?: RunCodeOptions | false | undefined;
  /** Asks for approval before commands, code and patches. @default false */
  readonly needsApproval?: boolean | undefined;
}

const flag = z.boolean().optional().describe("true or false");
const schema = z.strictObject({
  timeoutMs: z.int().positive().optional().describe("a positive integer"),
  functionsOnly: flag,
  needsApproval: flag,
  runCode: z
    .custom<RunCodeOptions | false>((value) => value === false || isObject(value))
    .optional()
    .describe("options of `runCode`, or false"),
} satisfies FieldsOf<CapabilitiesOptions>);

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

/**
 * The framework's default capabilities, with aborts that reach the sandbox, and `run_code`.
 * @throws `invalid_argument`
 */
export function capabilities(options: CapabilitiesOptions = {}): Capability[] {
  const { timeoutMs, functionsOnly = false, needsApproval = false } = parseOptions(schema, options);
  const { runCode: code = {} } = options;
  const approved = (tools: Tool<unknown>[]): Tool<unknown>[] =>
    needsApproval ? tools.map((tool) => withApproval(tool)) : tools;
  return [
    filesystem({
      configureTools: (tools) =>
        approved(
          functionsOnly
            ? tools.map((tool) => (tool.type === "apply_patch" ? patchFunction(tool.editor) : tool))
            : tools,
        ),
    }),
    shell({ configureTools: (tools) => approved(withAbort(timeoutMs)(tools)) }),
    ...(code === false ? [] : [runCode({ needsApproval, ...code })]),
    compaction(),
  ];
}

/** `write_stdin` only continues what was approved. */
const ASKING: ReadonlySet<string> = new Set(["exec_command", "apply_patch"]);

function withApproval(tool: Tool<unknown>): Tool<unknown> {
  const asks = tool.type === "apply_patch" || (tool.type === "function" && ASKING.has(tool.name));
  return asks ? ({ ...tool, needsApproval: async () => true } as Tool<unknown>) : tool;
}

const patch = z.object({
  type: z.enum(["create_file", "update_file", "delete_file"]),
  path: z.string().describe("Path of the file in the workspace"),
  diff: z
    .string()
    .optional()
    .describe(
      "A V4A diff: lines that begin with ` `, `+` or `-`, after `@@`; only `+` for a new file",
    ),
});

function patchFunction(editor: Editor): Tool<unknown> {
  return tool({
    name: applyPatchTool({ editor }).name,
    description: "Makes, changes or deletes one file of the workspace.",
    parameters: patch,
    errorFunction: (_context, error) =>
      `The patch failed: ${error instanceof Error ? error.message : String(error)}`,
    async execute({ type, path, diff = "" }, runContext) {
      const context = runContext && { runContext };
      const result =
        type === "create_file"
          ? await editor.createFile({ type, path, diff }, context as never)
          : type === "update_file"
            ? await editor.updateFile({ type, path, diff }, context as never)
            : await editor.deleteFile({ type, path }, context as never);
      return result?.output ?? "Done.";
    },
  }) as Tool<unknown>;
}
