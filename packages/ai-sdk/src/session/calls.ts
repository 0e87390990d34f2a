import { posix } from "node:path";
import { EmberboxError, type Sandbox } from "@emberbox/core";
import { explainFailure, isLost, lostNotice, type SandboxLease } from "@emberbox/core/tools";
import type { Place } from "../place.ts";

/** What one call of a session works with. */
export interface SessionCall {
  readonly sandbox: Sandbox;
  /** What to say first when this sandbox replaces another one; "" when it does not, or was said. */
  notice(): string;
  /** Keeps the sandbox in use until that has settled. */
  until(end: Promise<unknown>): void;
}

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

  /** Rejects with the signal's reason when it is aborted. */
  async run<T>(
    signal: AbortSignal | undefined,
    work: (call: SessionCall) => T | Promise<T>,
  ): Promise<T> {
    const { sessions, threadId } = this.#place;
    let lease: SandboxLease | undefined;
    let held: Promise<unknown> | undefined;
    try {
      lease = await sessions.acquire(threadId, { signal });
      return await work({
        sandbox: lease.sandbox,
        notice: noticeOf(lease),
        until: (end) => {
          held = end;
        },
      });
    } catch (error) {
      signal?.throwIfAborted();
      throw this.explain(error, lease);
    } finally {
      const release = (): void => lease?.[Symbol.dispose]();
      if (held === undefined) release();
      else void held.then(release, release);
    }
  }

  /** Failures of the machine, of which the developer hears, may name places on it: a caller only gets words. */
  explain(error: unknown, lease: SandboxLease | undefined): unknown {
    if (!EmberboxError.isInstance(error)) return error;
    const { sessions } = this.#place;
    if (isLost(error.code)) lease?.forget(lease.sandbox, error);
    const { text, report } = explainFailure(error, sessions.source.given === undefined);
    if (!report) return error;
    sessions.report(error);
    return new EmberboxError(error.code, text);
  }
}

function noticeOf(lease: SandboxLease): () => string {
  return () => {
    const { lost } = lease;
    lease.told();
    return lost === undefined ? "" : lostNotice(lost);
  };
}
