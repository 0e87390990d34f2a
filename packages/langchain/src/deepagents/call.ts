import { EmberboxError, type Sandbox } from "@emberbox/core";
import { explainFailure, type SandboxSessions, type ToolContext } from "@emberbox/core/tools";
import { ambientContext } from "../ambient.ts";

/** One operation of a backend. */
export interface BackendCall extends Pick<ToolContext, "onOutput" | "signal"> {
  readonly sandbox: Sandbox;
  /** What to say first when this sandbox replaces another one; "" when it does not. */
  readonly notice: string;
  /** It was said. */
  told(): void;
}

/**
 * Runs an operation in the sandbox of the thread that calls. What it throws becomes an answer, since an agent's run
 * ends when a backend throws; only an abort rejects.
 */
export async function callSandbox<Answer>(
  sessions: SandboxSessions,
  work: (call: BackendCall) => Promise<Answer>,
  failed: (text: string) => Answer,
): Promise<Answer> {
  const { signal, threadId, onOutput } = ambientContext();
  signal?.throwIfAborted();
  let notice = "";
  try {
    return await sessions.use(
      threadId,
      async (lease) => {
        notice = lease.lost === undefined ? "" : lostText(lease.lost);
        const told = (): void => lease.told();
        const answer = await work({ sandbox: lease.sandbox, signal, onOutput, notice, told });
        // What is not there now may have been there before.
        return notice !== "" && isError(answer) ? failed(`${answer.error} ${notice}`) : answer;
      },
      signal,
    );
  } catch (error) {
    signal?.throwIfAborted();
    const { text, report } = explainFailure(error, sessions.source.given === undefined);
    if (report) sessions.report(error);
    return failed(`${text} ${notice}`.trim());
  }
}

function isError(answer: unknown): answer is { readonly error: string } {
  return (
    typeof answer === "object" &&
    answer !== null &&
    "error" in answer &&
    typeof answer.error === "string"
  );
}

function lostText(reason: string): string {
  return `(The sandbox used before is gone: ${reason}. This is a new one, without what was in it.)`;
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
