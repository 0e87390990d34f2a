import { posix } from "node:path";
import { EmberboxError } from "@emberbox/core";
import { callSandbox, type SandboxCall, type SandboxCallOptions } from "@emberbox/core/tools";
import type { Conversation } from "../conversation.ts";

type Work<T> = (call: SandboxCall) => Promise<T>;

/**
 * The calls of one session. Each runs in its conversation's sandbox, and describes failures in words that may be shown
 * to anyone.
 */
export class SessionCalls {
  readonly #conversation: Conversation;
  readonly #directory: string;

  constructor(conversation: Conversation, directory: string) {
    this.#conversation = conversation;
    this.#directory = directory;
  }

  /** Makes a path absolute. */
  resolve(path: string): string {
    if (path === "") throw new EmberboxError("invalid_path", "A path may not be empty");
    return posix.resolve(this.#directory, path);
  }

  /** Runs in parallel with other calls. Rejects with the signal's reason on an abort. */
  beside<T>(signal: AbortSignal | undefined, work: Work<T>): Promise<T> {
    return this.#call({ signal, beside: true }, work);
  }

  /** Runs after the calls before it. Rejects with the signal's reason on an abort. */
  inTurn<T>(signal: AbortSignal | undefined, work: Work<T>): Promise<T> {
    return this.#call({ signal }, work);
  }

  #call<T>(options: SandboxCallOptions, work: Work<T>): Promise<T> {
    const { sessions, threadId } = this.#conversation;
    return callSandbox(sessions, { ...options, threadId }, work, (error, call) => {
      throw shown(error, call);
    });
  }
}

/**
 * Hides the particulars of the machine's failures, which the developer is told about and which may name places on it:
 * the caller only gets a description.
 */
export function shown(error: unknown, call: SandboxCall): unknown {
  if (!EmberboxError.isInstance(error)) return error;
  const { text, report } = call.explain(error);
  return report ? new EmberboxError(error.code, text) : error;
}
