import { createRequire } from "node:module";
import { Server, type Tool } from "@modelcontextprotocol/server";
import { type FieldsOf, parseOptions } from "@emberbox/core/options";
import {
  type CallCheckpoints,
  callCheckpoints,
  type CheckpointTool,
  createCheckpointTools,
  type SandboxTool,
  type SandboxTools,
  type ToolOptions,
} from "@emberbox/core/tools";
import { z } from "zod";
import { answer, checkpointAnswer } from "./answer.ts";
import { applyChangesTool, applyToFolders } from "./apply-changes.ts";
import { withProgress } from "./progress.ts";

/** Options of the tools, and how results are sent. */
export interface McpOptions extends Omit<ToolOptions, "checkpoints"> {
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
  /**
   * Adds the tools `checkpoint`, `rollback` and `history`. With `each-call`, every call that can change something also
   * leaves checkpoints, whose ids are in its result's `_meta`. Needs a provider with checkpoints.
   * @default false
   */
  readonly checkpoints?: boolean | CallCheckpoints | undefined;
}

type AnswerOptions = Pick<McpOptions, "structuredContent" | "applyChanges" | "checkpoints">;

export const answerFields: FieldsOf<AnswerOptions> = {
  structuredContent: z.boolean().optional().describe("true or false"),
  applyChanges: z.boolean().optional().describe("true or false"),
  checkpoints: z
    .union([z.boolean(), callCheckpoints])
    .optional()
    .describe(`true, false, ${callCheckpoints.description}`),
};

/** The options of the tools among those of a server. */
export function toolOptionsOf(
  checkpoints: McpOptions["checkpoints"],
  options: Omit<ToolOptions, "checkpoints">,
): ToolOptions {
  return typeof checkpoints === "boolean" ? options : { ...options, checkpoints };
}

const connectionSchema = z.strictObject({
  ...answerFields,
  threadId: z.string().optional().describe("a string"),
  prefix: z.string().optional().describe("a string"),
} satisfies FieldsOf<McpConnectionOptions>);

interface McpConnectionOptions extends AnswerOptions {
  /** The conversation whose sandbox the connection works in. @default that of calls without a conversation */
  readonly threadId?: string | undefined;
  /** The prefix of the names of the tools for checkpoints, as that of the others. @default "" */
  readonly prefix?: string | undefined;
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
 * @throws `invalid_argument`, and `unsupported` for checkpoints of a provider without
 */
export function createMcpServer(tools: SandboxTools, options: McpConnectionOptions = {}): Server {
  return createWatchedServer(tools, parseOptions(connectionSchema, options), () => {});
}

/** The same; `onCall` is called before every tool call. */
export function createWatchedServer(
  tools: SandboxTools,
  {
    threadId,
    structuredContent = false,
    applyChanges = false,
    checkpoints = false,
    prefix,
  }: McpConnectionOptions,
  onCall: () => void,
): Server {
  const more = checkpoints === false ? [] : createCheckpointTools(tools.sessions, { prefix });
  const server = new Server(
    { name: "emberbox", title: "Emberbox", version },
    { capabilities: { tools: {} }, instructions: INSTRUCTIONS },
  );
  const folders = applyChanges ? [applyChangesTool] : [];
  server.setRequestHandler("tools/list", () => ({
    tools: [...[...tools.tools, ...more].map(described), ...folders],
  }));
  server.setRequestHandler("tools/call", async ({ params }, { mcpReq }) => {
    onCall();
    const { name, arguments: input = {} } = params;
    const { signal, id } = mcpReq;
    const agent = server.getClientVersion()?.name;
    const context = { signal, threadId, toolCallId: String(id), agent };
    if (applyChanges && name === applyChangesTool.name)
      return applyToFolders(tools.sessions, input, context);
    const asked = more.find((tool) => tool.name === name);
    if (asked !== undefined) return checkpointAnswer(await asked.execute(input, context));
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

function described({
  name,
  title,
  description,
  jsonSchema,
  readOnly,
}: SandboxTool | CheckpointTool): Tool {
  return {
    name,
    title,
    description,
    inputSchema: jsonSchema as unknown as Tool["inputSchema"],
    annotations: { title, readOnlyHint: readOnly },
  };
}
