import { z } from "zod";
import { type FieldsOf, parseOptions } from "@emberbox/core";
import {
  SandboxTools,
  type SandboxSessions,
  type ToolName,
  type ToolOptions,
} from "@emberbox/core/tools";
import type { ToolSource } from "../place.ts";
import { Places } from "../places.ts";
import { sandboxSession } from "../session/session.ts";
import type { SandboxSession } from "../session/types.ts";
import type { StorePicture } from "./pictures.ts";
import { aiTool, type AiSandboxTool, type AiToolOptions } from "./tool.ts";

/** Options of one tool: the set is that tool, and its name is its key in `tools`. */
export type SingleToolOptions = Omit<ToolOptions, "include" | "prefix"> & AiToolOptions;

export interface SandboxToolSetOptions<
  Names extends ToolName = ToolName,
  Prefix extends string = "",
>
  extends Omit<ToolOptions, "include" | "prefix">, AiToolOptions {
  /** Which tools. @default all six */
  readonly include?: readonly Names[] | undefined;
  /** Put before every name, such as `sandbox_`. @default "" */
  readonly prefix?: Prefix | undefined;
}

/** Tools, and the sandboxes they work in. `await using` ends the sandboxes made here. */
export interface SandboxToolSet<
  Names extends ToolName = ToolName,
  Prefix extends string = "",
> extends AsyncDisposable {
  /** For `tools` of a call or an agent. */
  readonly tools: { readonly [Name in Names as `${Prefix}${Name}`]: AiSandboxTool<Name> };
  /** One sandbox for each conversation; other parts of this package may share them. */
  readonly sessions: SandboxSessions;
  /** A conversation's sandbox, for `experimental_sandbox` of a call: these tools then work in it. */
  session(threadId?: string): SandboxSession;
}

/**
 * A code interpreter and a sandbox for the AI SDK: `run_code`, `run_command`, `read_file`, `write_file`, `edit_file`
 * and `list_files`. They work in a sandbox that was given, or in sandboxes of a provider (or of the engine on this
 * machine), made when first needed. @throws `invalid_argument`, `unsupported`
 */
export function createSandboxTools<
  const Names extends ToolName = ToolName,
  const Prefix extends string = "",
>(
  source?: ToolSource,
  options: SandboxToolSetOptions<Names, Prefix> = {},
): SandboxToolSet<Names, Prefix> {
  const { places, settings } = placesFor(source, options);
  const { tools, sessions } = places.tools;
  const entries = tools.map((tool) => [tool.name, aiTool(tool, places, settings)]);
  return {
    tools: Object.fromEntries(entries) as SandboxToolSet<Names, Prefix>["tools"],
    sessions,
    session: (threadId) => sandboxSession({ sessions, threadId }),
    [Symbol.asyncDispose]: () => places[Symbol.asyncDispose](),
  };
}

/** A code interpreter: variables, imports and files stay from call to call. @throws `invalid_argument`, `unsupported` */
export function codeExecution(
  source?: ToolSource,
  options?: SingleToolOptions,
): AiSandboxTool<"run_code"> & AsyncDisposable {
  return single("run_code", source, options);
}

/** A shell: each command in one of its own, in the same machine. @throws `invalid_argument`, `unsupported` */
export function bash(
  source?: ToolSource,
  options?: SingleToolOptions,
): AiSandboxTool<"run_command"> & AsyncDisposable {
  return single("run_command", source, options);
}

function single<Name extends ToolName>(
  kind: Name,
  source: ToolSource,
  options: SingleToolOptions = {},
): AiSandboxTool<Name> & AsyncDisposable {
  const { places, settings } = placesFor(source, { ...options, include: [kind], prefix: "" });
  const tool = aiTool(places.tools.get(kind), places, settings);
  return Object.assign(tool, { [Symbol.asyncDispose]: () => places[Symbol.asyncDispose]() });
}

const flag = z.boolean().optional().describe("true or false");
const schema = z.strictObject({
  stream: flag,
  modelPictures: flag,
  storePicture: z
    .custom<StorePicture>((value) => typeof value === "function")
    .optional()
    .describe("a function"),
} satisfies FieldsOf<AiToolOptions>);

function placesFor(
  source: ToolSource,
  { stream, modelPictures, storePicture, ...options }: ToolOptions & AiToolOptions,
): { places: Places<SandboxTools>; settings: AiToolOptions } {
  const settings = parseOptions(schema, { stream, modelPictures, storePicture });
  return { places: new Places(SandboxTools, source, options), settings };
}
