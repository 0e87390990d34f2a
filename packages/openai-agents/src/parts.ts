import {
  parsePosition,
  pictureDataUrl,
  type SandboxPosition,
  type SandboxTool,
  type ToolContext,
  type ToolOutput,
  type ToolResult,
} from "@emberbox/core/tools";
import {
  type FunctionTool,
  tool,
  type ToolOutputImage,
  type ToolOutputText,
} from "@openai/agents-core";
import type { FieldsOf } from "@emberbox/core/options";
import { z } from "zod";

type Parts = (ToolOutputText | ToolOutputImage)[];

/** How tools become functions of the framework. */
export interface AsFunctionToolOptions {
  /** Whether each call waits for the user's approval. @default false */
  readonly needsApproval?: boolean | undefined;
  /** Is called with output as it arrives; a promise that it returns is awaited, which slows down what runs. */
  readonly onOutput?:
    | ((output: ToolOutput, call: { readonly toolCallId?: string | undefined }) => unknown)
    | undefined;
  /** Picks the conversation from a run's context. */
  threadId?(context: unknown): string | undefined;
}

export const adaptingFields: FieldsOf<AsFunctionToolOptions> = {
  needsApproval: z.boolean().optional().describe("true or false"),
  onOutput: aFunction<NonNullable<AsFunctionToolOptions["onOutput"]>>(),
  threadId: aFunction<NonNullable<AsFunctionToolOptions["threadId"]>>(),
};

function aFunction<Type>(): z.ZodOptional<z.ZodCustom<Type>> {
  return z
    .custom<Type>((value) => typeof value === "function")
    .optional()
    .describe("a function");
}

/** The agents whose turn it is, by run. */
const agents = new WeakMap<object, string>();

/** Results for the run's items, by run and call, since the framework passes on copies. */
const results = new WeakMap<object, Map<string, ToolResult>>();

/** Turns one of core's tools into a function of the framework. */
export function asFunctionTool(
  sandboxTool: Pick<SandboxTool, "name" | "description" | "jsonSchema" | "execute">,
  { needsApproval = false, onOutput, threadId }: AsFunctionToolOptions,
): FunctionTool {
  const { name, description, jsonSchema } = sandboxTool;
  return tool({
    name,
    description,
    parameters: jsonSchema as never,
    strict: false,
    needsApproval,
    // Whatever is thrown is an abort or the developer's own error, which the model should not see.
    errorFunction: null,
    // The only thing of a tool that is told who the agent is, before each of its turns.
    isEnabled: ({ runContext, agent }) => {
      agents.set(runContext, agent.name);
      return true;
    },
    async execute(input, runContext, details): Promise<Parts> {
      const toolCallId = details?.toolCall?.callId;
      const result = await sandboxTool.execute(input, {
        signal: details?.signal,
        threadId: threadId?.(runContext?.context),
        toolCallId,
        agent: runContext && agents.get(runContext),
        ...(onOutput && { onOutput: (output) => onOutput(output, { toolCallId }) }),
      } satisfies ToolContext);
      if (runContext !== undefined && toolCallId !== undefined) {
        const ofRun = results.get(runContext) ?? new Map<string, ToolResult>();
        results.set(runContext, ofRun.set(toolCallId, result));
      }
      return partsOf(result);
    },
    customDataExtractor: ({ runContext, toolCall }) => dataOf(runContext, toolCall.callId),
  }) as FunctionTool;
}

function partsOf({ text, pictures }: ToolResult): Parts {
  const images = pictures.map((picture): ToolOutputImage => ({
    type: "image",
    image: pictureDataUrl(picture),
  }));
  return [{ type: "text", text }, ...images];
}

/** What a run's item carries besides what the model reads. */
function dataOf(runContext: object, callId: string): Record<string, unknown> | null {
  const result = results.get(runContext)?.get(callId);
  if (result === undefined) return null;
  results.get(runContext)?.delete(callId);
  const { tool, isError, files, data } = result;
  return JSON.parse(JSON.stringify({ tool, isError, files, data })) as Record<string, unknown>;
}

/** Where the sandbox was after the call of a run's item. */
export function positionIn(item: object): SandboxPosition | undefined {
  const { customData } = item as {
    readonly customData?: { readonly data?: { readonly position?: unknown } };
  };
  return parsePosition(customData?.data?.position);
}
