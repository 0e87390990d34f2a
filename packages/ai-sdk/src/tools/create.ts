import { z } from "zod";
import { type FieldsOf, parseOptions } from "@emberbox/core/options";
import {
  SandboxTools,
  type SandboxSessions,
  type ToolName,
  type ToolOptions,
} from "@emberbox/core/tools";
import type { ToolSource } from "../conversation.ts";
import { CallTargets } from "../call-targets.ts";
import { sandboxSession } from "../session/session.ts";
import type { SandboxSession } from "../session/types.ts";
import type { StorePicture } from "./pictures.ts";
import { aiTool, type AiSandboxTool, type AiToolOptions } from "./tool.ts";

/** Options of a set with a single tool, whose name is its key in `tools`. */
export type SingleToolOptions = Omit<ToolOptions, "include" | "prefix"> & AiToolOptions;

/** Which tools a set has, what they are called, and how they behave. */
export interface SandboxToolSetOptions<
  Names extends ToolName = ToolName,
  Prefix extends string = "",
>
  extends Omit<ToolOptions, "include" | "prefix">, AiToolOptions {
  /** Which tools to include. @default all six */
  readonly include?: readonly Names[] | undefined;
  /** Prefix of every name, such as `sandbox_`. @default "" */
  readonly prefix?: Prefix | undefined;
}

/** Tools and the sandboxes they work in. `await using` ends the sandboxes created here. */
export interface SandboxToolSet<
  Names extends ToolName = ToolName,
  Prefix extends string = "",
> extends AsyncDisposable {
  /** For the `tools` option of a call or an agent. */
  readonly tools: { readonly [Name in Names as `${Prefix}${Name}`]: AiSandboxTool<Name> };
  /** One sandbox per conversation; other parts of this package can share them. */
  readonly sessions: SandboxSessions;
  /** A conversation's sandbox, for `experimental_sandbox` of a call: these tools then work in it. */
  session(threadId?: string): SandboxSession;
}

/**
 * A code interpreter and a sandbox for the AI SDK: `run_code`, `run_command`, `read_file`, `write_file`, `edit_file`
 * and `list_files`. They work in the given sandbox, or in sandboxes of a provider (by default the engine on this
 * machine), created when first needed.
 * @throws `invalid_argument`, `unsupported`
 */
export function createSandboxTools<
  const Names extends ToolName = ToolName,
  const Prefix extends string = "",
>(
  source?: ToolSource,
  options: SandboxToolSetOptions<Names, Prefix> = {},
): SandboxToolSet<Names, Prefix> {
  const { targets, settings } = targetsFor(source, options);
  const { tools, sessions } = targets.tools;
  const entries = tools.map((tool) => [tool.name, aiTool(tool, targets, settings)]);
  return {
    tools: Object.fromEntries(entries) as SandboxToolSet<Names, Prefix>["tools"],
    sessions,
    session: (threadId) => sandboxSession({ sessions, threadId }),
    [Symbol.asyncDispose]: () => targets[Symbol.asyncDispose](),
  };
}

/** A code interpreter: variables, imports and files stay between calls. @throws `invalid_argument`, `unsupported` */
export function codeExecution(
  source?: ToolSource,
  options?: SingleToolOptions,
): AiSandboxTool<"run_code"> & AsyncDisposable {
  return single("run_code", source, options);
}

/**
 * A shell: each command runs in a shell of its own, all in the same machine.
 * @throws `invalid_argument`, `unsupported`
 */
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
  const { targets, settings } = targetsFor(source, { ...options, include: [kind], prefix: "" });
  const tool = aiTool(targets.tools.get(kind), targets, settings);
  return Object.assign(tool, { [Symbol.asyncDispose]: () => targets[Symbol.asyncDispose]() });
}

const flag = z.boolean().optional().describe("true or false");
const schema = z.strictObject({
  stream: flag,
  trustMessages: flag,
  modelPictures: z
    .custom<NonNullable<AiToolOptions["modelPictures"]>>(isPictureChoice)
    .optional()
    .describe("true, false or a model"),
  storePicture: z
    .custom<StorePicture>((value) => typeof value === "function")
    .optional()
    .describe("a function"),
} satisfies FieldsOf<AiToolOptions>);

function isPictureChoice(value: unknown): boolean {
  if (typeof value === "boolean" || typeof value === "string") return true;
  return typeof (value as { readonly provider?: unknown } | null)?.provider === "string";
}

function targetsFor(
  source: ToolSource,
  { stream, modelPictures, storePicture, trustMessages, ...options }: ToolOptions & AiToolOptions,
): { targets: CallTargets<SandboxTools>; settings: AiToolOptions } {
  const settings = parseOptions(schema, { stream, modelPictures, storePicture, trustMessages });
  return { targets: new CallTargets(SandboxTools, source, options), settings };
}
