import { EmberboxError } from "@emberbox/core";
import {
  callSandbox,
  type Failure,
  type SandboxCall,
  type SandboxSessions,
  type ToolContext,
} from "@emberbox/core/tools";
import { ambientContext } from "../ambient.ts";

/** One operation of a backend. */
export interface BackendCall
  extends
    Pick<SandboxCall, "explain" | "sandbox" | "say">,
    Pick<ToolContext, "onOutput" | "signal"> {}

/**
 * Runs an operation in the sandbox of the thread that calls. What it throws becomes an answer, since an agent's run
 * ends when a backend throws; only an abort rejects.
 */
export function callBackend<Answer>(
  sessions: SandboxSessions,
  beside: boolean,
  work: (call: BackendCall) => Promise<Answer>,
  failed: (text: string) => Answer,
): Promise<Answer> {
  const { signal, threadId, onOutput } = ambientContext();
  return callSandbox(
    sessions,
    { signal, threadId, beside },
    async (call) => {
      const { sandbox, notice } = call;
      const explain = (error: unknown): Failure => call.explain(error);
      const answer = await work({ sandbox, signal, onOutput, explain, say: () => call.say() });
      // What is not there now may have been there before.
      return notice !== "" && isError(answer) ? failed(withNotice(answer.error, notice)) : answer;
    },
    (error, call) => failed(withNotice(call.explain(error).text, call.notice)),
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
 * Acts as the sandbox's user, or as root where that user may not: deep agents keep files of their own in directories
 * of `/`, and commands may use `sudo` anyway.
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
