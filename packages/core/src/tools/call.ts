import { EmberboxError } from "../errors.ts";
import { queueOf } from "../sessions/queue.ts";
import type { SandboxLease, SandboxSessions } from "../sessions/sandbox-sessions.ts";
import { failed, type Outcome, type ToolDefinition, type ToolLimits } from "./definition.ts";
import { explainFailure, explainNoSandbox, isLost, lostNotice } from "./failure.ts";
import type { ToolContext, ToolOutput, ToolResult } from "./types.ts";

export interface CallSettings {
  readonly sessions: SandboxSessions;
  readonly limits: ToolLimits;
  readonly reportFiles: boolean;
}

/** One call, from whatever arguments came to a result; it rejects for nothing but an abort and a throwing callback. */
export async function callTool<Input>(
  definition: ToolDefinition<Input>,
  raw: unknown,
  context: ToolContext,
  settings: CallSettings,
): Promise<ToolResult> {
  context.signal?.throwIfAborted();
  const started = performance.now();
  const finish = (outcome: Outcome, sandboxId?: string): ToolResult => ({
    status: "done",
    tool: definition.name,
    isError: outcome.isError ?? false,
    text: outcome.text,
    pictures: outcome.pictures ?? [],
    files: outcome.files ?? [],
    data: {
      durationMs: Math.round(performance.now() - started),
      timedOut: false,
      outOfMemory: false,
      truncated: false,
      ...(sandboxId !== undefined && { sandboxId }),
      ...outcome.data,
    },
  });
  const parsed = definition.schema.parse(raw);
  if ("problem" in parsed) return finish(failed(parsed.problem, { errorCode: "invalid_argument" }));
  const { sessions } = settings;
  const hook = new OutputHook(context.onOutput);
  let lease: SandboxLease | undefined;
  try {
    lease = await sessions.acquire(context.threadId, { signal: context.signal });
    const hooked = { ...context, onOutput: hook.callback };
    const outcome = await runIn(lease, definition, parsed.input, hooked, settings);
    const text = `${noticeOf(lease)}${outcome.text}${ignoredText(parsed.ignored)}`;
    return finish({ ...outcome, text }, lease.sandbox.sandboxId);
  } catch (error) {
    context.signal?.throwIfAborted();
    hook.throwIfThrew();
    const replaced = sessions.source.given === undefined;
    const { text, code, report } =
      lease === undefined ? explainNoSandbox(error) : explainFailure(error, replaced);
    if (report) sessions.report(error);
    const notice = lease === undefined ? "" : noticeOf(lease);
    return finish(
      failed(notice + text, code === undefined ? {} : { errorCode: code }),
      lease?.sandbox.sandboxId,
    );
  } finally {
    lease?.[Symbol.dispose]();
  }
}

/** Runs the tool, alone when it changes something, and takes note when the sandbox is gone afterwards. */
async function runIn<Input>(
  lease: SandboxLease,
  { readOnly, run }: ToolDefinition<Input>,
  input: Input,
  { signal, onOutput }: ToolContext,
  { sessions, limits, reportFiles }: CallSettings,
): Promise<Outcome> {
  const { sandbox } = lease;
  const replaced = sessions.source.given === undefined;
  const work = (): Promise<Outcome> =>
    run(input, { sandbox, signal, onOutput, limits, reportFiles, replaced });
  try {
    const outcome = readOnly ? await work() : await queueOf(sandbox).run(work, signal);
    const code = outcome.data?.errorCode;
    if (isLost(code)) {
      lease.forget(sandbox, sandbox.gone);
      sessions.report(sandbox.gone ?? new EmberboxError(code as "sandbox_died", outcome.text));
    }
    return outcome;
  } catch (error) {
    if (EmberboxError.isInstance(error) && isLost(error.code)) lease.forget(sandbox, error);
    throw error;
  }
}

/** To be said once; an aborted call has not said it. */
function noticeOf(lease: SandboxLease): string {
  const { lost } = lease;
  lease.told();
  return lost === undefined ? "" : lostNotice(lost);
}

function ignoredText(ignored: readonly string[]): string {
  if (ignored.length === 0) return "";
  return `\n\n(Ignored, as not known here: ${ignored.slice(0, 5).join(", ").slice(0, 200)}.)`;
}

/** Tells what the caller's own callback threw from other failures. */
class OutputHook {
  #thrown: { readonly error: unknown } | undefined;
  readonly callback: ((output: ToolOutput) => unknown) | undefined;

  constructor(given: ToolContext["onOutput"]) {
    this.callback = given && (async (output) => this.#call(given, output));
  }

  throwIfThrew(): void {
    if (this.#thrown !== undefined) throw this.#thrown.error;
  }

  async #call(given: NonNullable<ToolContext["onOutput"]>, output: ToolOutput): Promise<void> {
    try {
      await given(output);
    } catch (error) {
      this.#thrown ??= { error };
      throw error;
    }
  }
}
