import { request, type Dispatcher } from "undici/index.js";
import { untilAborted } from "../concurrency/until-aborted.ts";
import { EmberboxError } from "../errors.ts";
import { REQUEST_TIMEOUT_MS, type RequestOptions } from "../options.ts";
import type { SandboxConnection } from "../provider.ts";
import { preliminaryLimit } from "./preliminary.ts";
import { withoutSmallPieces } from "./small-pieces.ts";

/** How long a provider may take to notice why a connection broke, in milliseconds. */
const GONE_GRACE_MS = 500;

export interface HttpRequest {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Dispatcher.DispatchOptions["body"] | AsyncIterable<Uint8Array>;
  /**
   * Called when a connection takes the request. Its head, and a body of one piece, are written before anything else
   * runs.
   */
  readonly onSent?: () => void;
}

/**
 * The life of one call: the request on the wire, everything that may end it early (the caller's signal, a time limit, a
 * callback that throws), and the error that the caller finally sees.
 */
export class Call {
  readonly #connection: SandboxConnection;
  readonly #controller = new AbortController();
  readonly #requestTimeoutMs: number;
  #reasonIsCallers = false;
  readonly #userSignal: AbortSignal | undefined;
  readonly #onUserAbort = (): void => this.abort(this.#userSignal?.reason);
  readonly #present: AbortSignal | undefined;
  readonly #onRolledBack = (): void => this.expire(this.#present!.reason as EmberboxError);

  /** @throws the signal's reason, when it is already aborted */
  constructor(connection: SandboxConnection, options: RequestOptions = {}) {
    options.signal?.throwIfAborted();
    this.#connection = connection;
    this.#requestTimeoutMs = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
    this.#userSignal = options.signal;
    this.#userSignal?.addEventListener("abort", this.#onUserAbort, { once: true });
    this.#present = connection.present?.();
    this.#present?.addEventListener("abort", this.#onRolledBack, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Ends the call on the caller's behalf (a signal, a callback that threw): it rejects with exactly `reason`. */
  abort(reason: unknown): void {
    this.#reasonIsCallers ||= !this.signal.aborted;
    this.#controller.abort(reason);
  }

  /** Ends the call on our side, as when a time limit is reached. */
  expire(error: EmberboxError): void {
    this.#controller.abort(error);
  }

  /** Settles with `work`, or rejects as soon as the call is ended early. */
  race<T>(work: Promise<T>): Promise<T> {
    return untilAborted(work, this.signal);
  }

  /** Runs `begin` under the request time limit, which restarts whenever `begin` reports progress. */
  async begin<T>(begin: (progress: () => void) => Promise<T>): Promise<T> {
    const limit = this.#requestTimeoutMs;
    if (limit === 0) return this.race(begin(() => {}));
    const timer = setTimeout(() => this.expire(requestTimeout(limit)), limit);
    try {
      return await this.race(begin(() => timer.refresh()));
    } finally {
      clearTimeout(timer);
    }
  }

  /** @throws why the sandbox is gone, if it is */
  throwIfGone(): void {
    const gone = this.#connection.gone();
    if (gone !== undefined) throw gone;
  }

  /** Sends a request, with no limit on how long the answer may take. */
  async send(
    port: number,
    { method, path, headers, body, onSent }: HttpRequest,
  ): Promise<Dispatcher.ResponseData> {
    this.throwIfGone();
    if (this.#connection.ready) await this.race(this.#connection.ready());
    const endpoint = this.#connection.endpoint(port);
    return request(endpoint.origin + path, {
      dispatcher: withoutSmallPieces(endpoint.dispatcher, onSent),
      method,
      headers: { ...endpoint.headers, ...headers },
      body: (body ?? null) as Exclude<typeof body, AsyncIterable<Uint8Array> | undefined>,
      signal: this.signal,
      headersTimeout: 0,
      bodyTimeout: 0,
      onInfo: preliminaryLimit(),
    });
  }

  /**
   * Destroys the request and returns the error for the caller: the reason of an early end, why the sandbox is gone, or
   * the error itself; with `details`, unless the caller ended it.
   */
  async failure(
    error: unknown,
    details: () => Readonly<Record<string, unknown>> = () => ({}),
  ): Promise<unknown> {
    if (!this.signal.aborted) {
      const told = await this.#explain(error);
      this.#controller.abort(told);
    }
    const { reason } = this.signal;
    return this.#reasonIsCallers ? reason : withDetails(reason, details());
  }

  async #explain(error: unknown): Promise<unknown> {
    const gone = this.#connection.gone();
    if (gone !== undefined) return gone;
    if (EmberboxError.isInstance(error) && error.code !== "connection_failed") return error;
    const reason = await this.#whyGone();
    if (reason !== undefined) return reason;
    if (EmberboxError.isInstance(error)) return error;
    const message = error instanceof Error ? error.message : String(error);
    return new EmberboxError(
      "connection_failed",
      `The connection to the sandbox failed: ${message}`,
      {
        cause: error,
      },
    );
  }

  /** Stops listening to signals. */
  [Symbol.dispose](): void {
    this.#userSignal?.removeEventListener("abort", this.#onUserAbort);
    this.#present?.removeEventListener("abort", this.#onRolledBack);
  }

  /** Waits briefly for the provider to notice that the sandbox is gone, and returns as soon as it says so. */
  async #whyGone(): Promise<Error | undefined> {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const timer = setTimeout(resolve, GONE_GRACE_MS);
    const signals = [this.signal, this.#connection.ended];
    for (const signal of signals) signal?.addEventListener("abort", resolve, { once: true });
    await promise;
    clearTimeout(timer);
    for (const signal of signals) signal?.removeEventListener("abort", resolve);
    return this.#connection.gone();
  }
}

/** The same error with what the failed call had so far in its details. */
function withDetails(error: unknown, details: Readonly<Record<string, unknown>>): unknown {
  if (!EmberboxError.isInstance(error) || Object.keys(details).length === 0) return error;
  return new EmberboxError(error.code, error.message, {
    details: { ...error.details, ...details },
    cause: error.cause,
    hint: error.hint,
  });
}

function requestTimeout(limit: number): EmberboxError {
  return new EmberboxError("timeout", `The sandbox did not answer within ${limit} ms`, {
    hint: "Raise `requestTimeoutMs`, or ask `isRunning()` whether the sandbox is still there.",
  });
}
