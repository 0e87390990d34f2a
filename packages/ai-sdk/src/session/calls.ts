import { posix } from "node:path";
import { EmberboxError } from "@emberbox/core";
import { callSandbox, type SandboxCall, type SandboxCallOptions } from "@emberbox/core/tools";
import type { Place } from "../place.ts";

type Work<T> = (call: SandboxCall) => Promise<T>;

/** The calls of one session: each in its conversation's sandbox, with failures in words that may be shown to anyone. */
export class SessionCalls {
  readonly #place: Place;
  readonly #directory: string;

  constructor(place: Place, directory: string) {
    this.#place = place;
    this.#directory = directory;
  }

  /** An absolute path. */
  resolve(path: string): string {
    if (path === "") throw new EmberboxError("invalid_path", "A path may not be empty");
    return posix.resolve(this.#directory, path);
  }

  /** Runs beside other calls. Rejects with the signal's reason when it is aborted. */
  beside<T>(signal: AbortSignal | undefined, work: Work<T>): Promise<T> {
    return this.#call({ signal, beside: true }, work);
  }

  /** Runs when those before it have ended. Rejects with the signal's reason when it is aborted. */
  inTurn<T>(signal: AbortSignal | undefined, work: Work<T>): Promise<T> {
    return this.#call({ signal }, work);
  }

  #call<T>(options: SandboxCallOptions, work: Work<T>): Promise<T> {
    const { sessions, threadId } = this.#place;
    return callSandbox(sessions, { ...options, threadId }, work, (error, call) => {
      throw shown(error, call);
    });
  }
}

/** Failures of the machine, of which the developer hears, may name places on it: a caller only gets words. */
export function shown(error: unknown, call: SandboxCall): unknown {
  if (!EmberboxError.isInstance(error)) return error;
  const { text, report } = call.explain(error);
  return report ? new EmberboxError(error.code, text) : error;
}
