import { EmberboxError } from "../errors.ts";
import { inToolSpan } from "../spans.ts";
import type { SandboxSessions } from "../sessions/sandbox-sessions.ts";
import { callSandbox, type SandboxCall } from "./call-sandbox.ts";
import { failed, type Outcome, type ToolDefinition, type ToolLimits } from "./definition.ts";
import { presentable, withoutRefused } from "./gate.ts";
import { isLost } from "./failure.ts";
import { OutputHook } from "./output-hook.ts";
import type { ToolContext, ToolData, ToolResult } from "./types.ts";

export interface CallSettings {
  readonly sessions: SandboxSessions;
  readonly limits: ToolLimits;
  readonly reportFiles: boolean;
  /** What the tools' names begin with. */
  readonly prefix: string;
}

/** Runs one call, from unchecked arguments to a result. It rejects only on an abort or when a callback throws. */
export function callTool<Input>(
  definition: ToolDefinition<Input>,
  raw: unknown,
  context: ToolContext,
  settings: CallSettings,
): Promise<ToolResult> {
  const { toolCallId, threadId } = context;
  const { adapter } = settings.sessions;
  return inToolSpan(
    { tool: `${settings.prefix}${definition.name}`, toolCallId, threadId, adapter },
    () => call(definition, raw, context, settings),
    ({ isError, data: { sandboxId, errorCode, exitCode } }) => ({
      ...{ isError, sandboxId, errorCode, exitCode },
    }),
  );
}

async function call<Input>(
  definition: ToolDefinition<Input>,
  raw: unknown,
  context: ToolContext,
  settings: CallSettings,
): Promise<ToolResult> {
  context.signal?.throwIfAborted();
  const started = performance.now();
  const finish = (outcome: Outcome, call?: SandboxCall): ToolResult => ({
    status: "done",
    tool: definition.name,
    isError: outcome.isError ?? false,
    text: presentable(outcome.text),
    pictures: outcome.pictures ?? [],
    files: withoutRefused(outcome.files ?? []),
    data: withoutRefused({
      durationMs: Math.round(performance.now() - started),
      timedOut: false,
      outOfMemory: false,
      truncated: false,
      ...(call && idsOf(call)),
      ...outcome.data,
    }),
  });
  const parsed = definition.schema.parse(raw);
  if ("problem" in parsed) return finish(failed(parsed.problem, { errorCode: "invalid_argument" }));
  const { sessions, limits, reportFiles } = settings;
  const { onOutput, ...of } = context;
  const { signal } = context;
  const hook = new OutputHook(onOutput);
  const label = `${definition.name}: ${subjectOf(parsed.input)}`;
  return callSandbox(
    sessions,
    { ...of, beside: definition.readOnly, label, tool: definition.name },
    async (call) => {
      const { sandbox, replaced } = call;
      const run = { sandbox, signal, onOutput: hook.callback, limits, reportFiles, replaced };
      const outcome = await definition.run(parsed.input, run);
      const code = outcome.data?.errorCode;
      if (isLost(code)) call.explain(sandbox.gone ?? new EmberboxError(code, outcome.text));
      const text = `${call.say()}${outcome.text}${ignoredText(parsed.ignored)}`;
      await call.leave();
      return finish({ ...outcome, text }, call);
    },
    (error, call) => {
      hook.throwIfThrew();
      const { text, code } = call.explain(error);
      const data = code === undefined ? {} : { errorCode: code };
      return finish(failed(call.say() + text, data), call);
    },
  );
}

function idsOf({ sandboxId, checkpointId, position }: SandboxCall): Partial<ToolData> {
  return {
    ...(sandboxId !== undefined && { sandboxId }),
    ...(checkpointId !== undefined && { checkpointId }),
    ...(position && { position }),
  };
}

/** What a call is about: its code, command line or path. */
function subjectOf(input: unknown): string {
  const { code, command, path } = input as Readonly<Record<string, unknown>>;
  return String(code ?? command ?? path ?? "");
}

function ignoredText(ignored: readonly string[]): string {
  if (ignored.length === 0) return "";
  return `\n\n(Ignored, as not known here: ${ignored.slice(0, 5).join(", ").slice(0, 200)}.)`;
}
