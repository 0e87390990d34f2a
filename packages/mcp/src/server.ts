import { createRequire } from "node:module";
import { Server, type Tool } from "@modelcontextprotocol/server";
import { type FieldsOf, parseOptions } from "@emberbox/core/options";
import type { SandboxTool, SandboxTools, ToolOptions } from "@emberbox/core/tools";
import { z } from "zod";
import { answer } from "./answer.ts";
import { applyChangesTool, applyToFolders } from "./apply-changes.ts";
import { withProgress } from "./progress.ts";

/** Options of the tools, and how results are sent. */
export interface McpOptions extends ToolOptions {
  /**
   * Also sends each result as `structuredContent`, for programs. Several clients then show a model only that: it
   * includes the text, but no pictures.
   * @default false
   */
  readonly structuredContent?: boolean | undefined;
  /**
   * Also offers `apply_changes`, which writes what changed in the sandbox's workspaces to their folders on this machine.
   * It is marked as destructive, so that clients ask first.
   * @default false
   */
  readonly applyChanges?: boolean | undefined;
}

export const answerFields: FieldsOf<Omit<McpOptions, keyof ToolOptions>> = {
  structuredContent: z.boolean().optional().describe("true or false"),
  applyChanges: z.boolean().optional().describe("true or false"),
};

const connectionSchema = z.strictObject({
  ...answerFields,
  threadId: z.string().optional().describe("a string"),
} satisfies FieldsOf<McpConnectionOptions>);

interface McpConnectionOptions extends Pick<McpOptions, "structuredContent" | "applyChanges"> {
  /** The conversation whose sandbox the connection works in. @default that of calls without a conversation */
  readonly threadId?: string | undefined;
}

const { version } = createRequire(import.meta.url)("@emberbox/mcp/package.json") as {
  version: string;
};

const INSTRUCTIONS =
  "Code and commands run in a virtual machine of this session. Its files, variables and processes stay from call to " +
  "call and are gone when the session ends.";

/**
 * Creates the server of one connection, to be connected to a transport of your own. Its calls work in the conversation
 * `threadId` of `tools`; whoever created the tools ends their sandboxes.
 * @throws `invalid_argument`
 */
export function createMcpServer(tools: SandboxTools, options: McpConnectionOptions = {}): Server {
  return createWatchedServer(tools, parseOptions(connectionSchema, options), () => {});
}

/** The same; `onCall` is called before every tool call. */
export function createWatchedServer(
  tools: SandboxTools,
  { threadId, structuredContent = false, applyChanges = false }: McpConnectionOptions,
  onCall: () => void,
): Server {
  const server = new Server(
    { name: "emberbox", title: "Emberbox", version },
    { capabilities: { tools: {} }, instructions: INSTRUCTIONS },
  );
  const more = applyChanges ? [applyChangesTool] : [];
  server.setRequestHandler("tools/list", () => ({
    tools: [...tools.tools.map(described), ...more],
  }));
  server.setRequestHandler("tools/call", async ({ params }, { mcpReq }) => {
    onCall();
    const { name, arguments: input = {} } = params;
    const context = { signal: mcpReq.signal, threadId, toolCallId: String(mcpReq.id) };
    if (applyChanges && name === applyChangesTool.name)
      return applyToFolders(tools.sessions, input, context);
    const tool = tools.tools.find((tool) => tool.name === name);
    const token = mcpReq._meta?.progressToken;
    const result =
      tool === undefined || token === undefined
        ? await tools.execute(name, input, context)
        : await withProgress(tool, input, context, (params) =>
            mcpReq.notify({
              method: "notifications/progress",
              params: { progressToken: token, ...params },
            }),
          );
    return answer(result, structuredContent);
  });
  return server;
}

function described({ name, title, description, jsonSchema, readOnly }: SandboxTool): Tool {
  return {
    name,
    title,
    description,
    inputSchema: jsonSchema as unknown as Tool["inputSchema"],
    annotations: { title, readOnlyHint: readOnly },
  };
}
