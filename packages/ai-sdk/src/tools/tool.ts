import type { FlexibleSchema, Tool, ToolExecuteFunction } from "ai";
import {
  toolOutputSchema,
  type JsonSchema,
  type SandboxTool,
  type SandboxTools,
  type ToolInputs,
  type ToolName,
  type ToolProgress,
} from "@emberbox/core/tools";
import type { CallTargets } from "../call-targets.ts";
import { rememberKind } from "./kinds.ts";
import { modelOutput } from "./model-output.ts";
import { placeOf } from "./place.ts";
import { takesPictures } from "./takes-pictures.ts";
import { StoredPictures, type SandboxResult, type StorePicture } from "./pictures.ts";

/** A tool's output, as plain JSON: while it runs (`status: "running"`) and at its end (`status: "done"`). */
export type SandboxOutput = ToolProgress | SandboxResult;

/** A sandbox's tool for the AI SDK. */
export type AiSandboxTool<Name extends ToolName = ToolName> = Tool<
  ToolInputs[Name],
  SandboxOutput
> & { execute: ToolExecuteFunction<ToolInputs[Name], SandboxOutput, any> };

/** What the AI SDK's tools stream, and how they show pictures. */
export interface AiToolOptions {
  /**
   * Sends the latest output as preliminary results while code and commands run. The SDK then sends each final output
   * twice, so turn this off where nobody watches.
   * @default true
   */
  readonly stream?: boolean | undefined;
  /**
   * Shows pictures to the model: true, or the model itself, when it is known to take them in results (Claude, Gemini,
   * and OpenAI's Responses). A tool does not know which model it is called by, and other providers send pictures as
   * text, a hundred thousand tokens of it. The output has them either way.
   * @default false
   */
  readonly modelPictures?: boolean | string | { readonly provider: string } | undefined;
  /**
   * Stores a picture where a browser can load it, and returns its URL: outputs then contain the URL instead of the
   * bytes. The model sees the pictures of this program's latest calls; of older ones it only gets the text.
   */
  readonly storePicture?: StorePicture | undefined;
  /**
   * With `checkpoints`: says that messages come from a store of yours, so that a chat whose sandbox is gone gets a copy
   * of it as it was. Where they come from browsers, which could name a sandbox of somebody else's, a chat can only take
   * back its own.
   * @default false
   */
  readonly trustMessages?: boolean | undefined;
}

export function aiTool<Name extends ToolName>(
  tool: SandboxTool<Name>,
  targets: CallTargets<SandboxTools>,
  { stream = true, modelPictures = false, storePicture, trustMessages = false }: AiToolOptions,
): AiSandboxTool<Name> {
  const { kind, title, description, jsonSchema, readOnly } = tool;
  const streams = stream && (kind === "run_code" || kind === "run_command");
  const { sessions } = targets.tools;
  const shows = typeof modelPictures === "boolean" ? modelPictures : takesPictures(modelPictures);
  const stored =
    storePicture && new StoredPictures(storePicture, (error) => sessions.report(error));
  const execute: ToolExecuteFunction<unknown, SandboxOutput, unknown> = (
    input,
    { abortSignal, toolCallId, experimental_sandbox, messages },
  ) => {
    const target = targets.of(experimental_sandbox);
    const work = target.tools.get(kind);
    const { threadId } = target;
    const place = placeOf(messages, { isChat: threadId !== undefined, trusted: trustMessages });
    const context = { signal: abortSignal, toolCallId, threadId, place };
    if (!streams) {
      const result = work.execute(input, context);
      return stored ? result.then((output) => stored.output(output, toolCallId)) : result;
    }
    const values = work.stream(input, context);
    return stored ? stored.outputs(values, toolCallId) : values;
  };
  const made = {
    description,
    metadata: { sandboxTool: kind, title, readOnly },
    inputSchema: anyInput(jsonSchema),
    outputSchema: toolOutputSchema,
    execute,
    toModelOutput: ({ output }: { output: unknown }) => modelOutput(output, shows, stored),
  } as unknown as AiSandboxTool<Name>;
  rememberKind(made, { kind, readOnly });
  return made;
}

/** Describes the arguments to the model but accepts anything: the tool explains what is wrong with them. */
function anyInput(json: JsonSchema): FlexibleSchema {
  const input = (): Record<string, unknown> => ({ ...json });
  return {
    "~standard": {
      version: 1,
      vendor: "emberbox",
      validate: (value: unknown) => ({ value }),
      jsonSchema: { input, output: input },
    },
  };
}
