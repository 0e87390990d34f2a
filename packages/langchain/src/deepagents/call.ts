import { EmberboxError } from "@emberbox/core";
import {
  callSandbox,
  type Failure,
  type SandboxCall,
  type SandboxCallOptions,
  type SandboxSessions,
  type ToolContext,
} from "@emberbox/core/tools";
import { leaveAt } from "../checkpoints/tool-call.ts";
import { ambientContext } from "../ambient.ts";

/** One operation of a backend. */
export interface BackendCall
  extends
    Pick<SandboxCall, "explain" | "sandbox" | "say">,
    Pick<ToolContext, "onOutput" | "signal"> {}

/**
 * Runs an operation in the calling thread's sandbox. What it throws becomes an answer, since an exception from a
 * backend ends an agent's run; only an abort rejects.
 */
export function callBackend<Answer>(
  sessions: SandboxSessions,
  given: string | undefined,
  how: Pick<SandboxCallOptions, "beside" | "label">,
  work: (call: BackendCall) => Promise<Answer>,
  failed: (text: string) => Answer,
): Promise<Answer> {
  const { onOutput, ...context } = ambientContext();
  const { signal, threadId: running } = context;
  const threadId = given ?? running;
  warnOfOtherSandbox(sessions, threadId);
  return callSandbox(
    sessions,
    { ...context, threadId, ...how },
    async (call) => {
      const { sandbox, notice } = call;
      const explain = (error: unknown): Failure => call.explain(error);
      const answer = await work({ sandbox, signal, onOutput, explain, say: () => call.say() });
      await call.leave();
      leaveAt(call.position);
      // What is missing now may have existed in the previous sandbox.
      return notice !== "" && isError(answer) ? failed(withNotice(answer.error, notice)) : answer;
    },
    (error, call) => {
      // What failed may have changed something, too.
      leaveAt(call.position);
      return failed(withNotice(call.explain(error).text, call.notice));
    },
  );
}

const warned = new WeakSet<SandboxSessions>();

/** Says once that a thread begins in a sandbox of its own, when something was done outside of threads before. */
function warnOfOtherSandbox(sessions: SandboxSessions, threadId: string | undefined): void {
  const { source } = sessions;
  const isSplit =
    threadId !== undefined &&
    source.given === undefined &&
    sessions.sandboxId(threadId) === undefined &&
    sessions.sandboxId() !== undefined;
  if (!isSplit || warned.has(sessions)) return;
  warned.add(sessions);
  sessions.report(
    new EmberboxError(
      "invalid_argument",
      `The thread ${JSON.stringify(threadId.slice(0, 100))} has a sandbox of its own; what was done before, outside of a thread, is in another`,
      { hint: "Use `backend.thread(id)` to put files into a thread's sandbox." },
    ),
  );
}

function withNotice(text: string, notice: string): string {
  return `${text}\n\n${notice}`.trim();
}

function isError(answer: unknown): answer is { readonly error: string } {
  return (
    typeof answer === "object" &&
    answer !== null &&
    "error" in answer &&
    typeof answer.error === "string"
  );
}

/**
 * Acts as the sandbox's user, or as root where that user has no permission: deep agents keep files of their own in
 * top-level directories, and commands may use `sudo` anyway.
 */
export async function asAnyUser<Result>(
  act: (as: { readonly user?: string }) => Promise<Result>,
): Promise<Result> {
  try {
    return await act({});
  } catch (error) {
    if (!hasCode(error, "permission_denied")) throw error;
    return act({ user: "root" });
  }
}

export function hasCode(error: unknown, code: EmberboxError["code"]): boolean {
  return EmberboxError.isInstance(error) && error.code === code;
}
