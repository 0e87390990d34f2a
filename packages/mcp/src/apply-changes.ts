import type { CallToolResult, Tool } from "@modelcontextprotocol/server";
import { callSandbox, type SandboxSessions, type ToolContext } from "@emberbox/core/tools";
import { z } from "zod";

/** The most lines that an answer has. */
const LINES = 200;

const inputSchema = z.strictObject({ paths: z.array(z.string()).min(1).optional() });

export const applyChangesTool: Tool = {
  name: "apply_changes",
  title: "Apply changes",
  description:
    "Writes what changed in the workspaces of the sandbox to the user's own folders: all of it, or nothing. Use it only " +
    "when the user wants that. Files that the user has changed in the meantime are refused and named.",
  inputSchema: {
    type: "object",
    properties: {
      paths: {
        type: "array",
        items: { type: "string" },
        minItems: 1,
        description:
          "Only these files and directories, relative to the workspace. Default: everything",
      },
    },
    additionalProperties: false,
  },
  annotations: {
    title: "Apply changes",
    readOnlyHint: false,
    destructiveHint: true,
    idempotentHint: true,
    openWorldHint: true,
  },
};

/** Applies the changes of a conversation's sandbox. */
export function applyToFolders(
  sessions: SandboxSessions,
  input: unknown,
  context: Pick<ToolContext, "signal" | "threadId">,
): Promise<CallToolResult> {
  const parsed = inputSchema.safeParse(input);
  if (!parsed.success)
    return Promise.resolve(said("`paths` must be an array of strings, or left out.", true));
  const { paths } = parsed.data;
  const { signal } = context;
  return callSandbox(
    sessions,
    context,
    async (call) => {
      const lines: string[] = [];
      for (const workspace of call.sandbox.workspaces) {
        if (workspace.mode !== "review") continue;
        const { applied, merged, skipped } = await workspace.apply({ paths, signal });
        lines.push(`${workspace.guest}: ${applied.length} applied`);
        lines.push(...applied.map(({ kind, path }) => `${kind} ${path}`));
        lines.push(...merged.map((path) => `merged ${path}`));
        lines.push(...skipped.map((path) => `left alone ${path}`));
      }
      const shown = lines.slice(0, LINES);
      if (lines.length > LINES) shown.push(`… and ${lines.length - LINES} more`);
      return said(call.say() + shown.join("\n"));
    },
    (error, call) => said(call.say() + call.explain(error).text, true),
  );
}

const said = (text: string, isError = false): CallToolResult => ({
  content: [{ type: "text", text }],
  isError,
});
