import type { CallOptions } from "@connectrpc/connect";
import { EmberboxError } from "../errors.ts";
import type { RequestOptions } from "../options.ts";
import type { SandboxConnection } from "../provider.ts";
import { Call } from "../wire/call.ts";
import type { ProcessEvent, ProcessEvent_EndEvent } from "../wire/generated/process_pb.ts";
import { rpcError } from "../wire/rpc-call.ts";
import { KEEPALIVE_HEADERS, userHeaders } from "../wire/rpc.ts";
import { isPromise, SAFETY_MS, TimeLimit } from "../wire/time-limit.ts";
import type { ProcessStream } from "./handle.ts";
import type { CommandResult, Sink } from "./output.ts";

type Events = AsyncIterable<{ readonly event?: ProcessEvent | undefined }>;

export interface StreamOptions extends RequestOptions {
  readonly user?: string | undefined;
  /** How long the process may run, in milliseconds; 0 for no limit. */
  readonly timeoutMs: number;
  readonly sink: Sink;
  /** Opens the stream of events; the first one is the start. */
  open(options: CallOptions): Events;
  /** Kills the process when the call ends early; absent when the process does not belong to this call. */
  readonly kill?: ((pid: number) => void) | undefined;
}

export interface OpenedProcess {
  readonly pid: number;
  readonly stream: ProcessStream;
}

/** Opens a process's event stream and waits for the start event. */
export async function openProcess(
  connection: SandboxConnection,
  options: StreamOptions,
): Promise<OpenedProcess> {
  const call = new Call(connection, options);
  const wire = new AbortController();
  const process = new ProcessEvents(call, wire, options);
  try {
    call.throwIfGone();
    const pid = await call.begin(() => process.started);
    return { pid, stream: process.follow(pid) };
  } catch (error) {
    process.abandon();
    call[Symbol.dispose]();
    throw await call.failure(rpcError(error, "process_not_found"));
  }
}

/** Follows the events of one process, and decides what happens to it when the call ends early. */
class ProcessEvents {
  readonly #call: Call;
  readonly #wire: AbortController;
  readonly #options: StreamOptions;
  readonly #events: AsyncIterator<{ readonly event?: ProcessEvent | undefined }>;
  readonly #limit: TimeLimit;
  /** Resolves with the process's id once it has started. */
  readonly started: Promise<number>;
  /** True when the process must survive the end of the call. */
  #leaveAlone = false;

  constructor(call: Call, wire: AbortController, options: StreamOptions) {
    this.#call = call;
    this.#wire = wire;
    this.#options = options;
    this.#limit = new TimeLimit(() => call.expire(timedOut(options)));
    const events = options.open({ signal: wire.signal, headers: streamHeaders(options) });
    this.#events = events[Symbol.asyncIterator]();
    this.started = this.#readStart();
    this.started.catch(() => {});
  }

  /** Gives up before the start is confirmed; if the process does start, it is killed. */
  abandon(): void {
    const close = (): void => this.#wire.abort();
    this.started
      .then(this.#options.kill)
      .catch(() => {})
      .finally(close);
    setTimeout(close, SAFETY_MS).unref();
  }

  /** Reads events until the end, in the background. */
  follow(pid: number): ProcessStream {
    const { timeoutMs, sink, kill } = this.#options;
    if (timeoutMs > 0) this.#limit.start(timeoutMs + SAFETY_MS);
    this.#call.signal.addEventListener("abort", () => {
      if (!this.#leaveAlone) kill?.(pid);
      this.#wire.abort();
    });
    const result = this.#finish();
    result.catch(() => {});
    return { result, soFar: () => sink.soFar(), disconnect: (error) => this.#disconnect(error) };
  }

  #disconnect(error: EmberboxError): void {
    this.#leaveAlone = true;
    this.#call.expire(error);
  }

  async #readStart(): Promise<number> {
    const first = await this.#events.next();
    const event = first.done === true ? undefined : first.value.event?.event;
    if (event?.case === "start") return event.value.pid;
    throw new EmberboxError("protocol_error", "The sandbox did not say that the process started");
  }

  async #finish(): Promise<CommandResult> {
    const { sink } = this.#options;
    try {
      const end = await this.#call.race(this.#readToEnd());
      const result = {
        ...sink.soFar(),
        exitCode: end.exitCode,
        ...(end.error !== undefined && { error: end.error }),
      };
      if (end.reason === "out_of_memory") throw outOfMemory(end);
      return result;
    } catch (error) {
      this.#leaveAlone = true;
      throw await this.#call.failure(this.#explain(error), () => ({ ...sink.soFar() }));
    } finally {
      this.#limit[Symbol.dispose]();
      this.#call[Symbol.dispose]();
    }
  }

  async #readToEnd(): Promise<ProcessEvent_EndEvent> {
    const { sink } = this.#options;
    for (;;) {
      const next = await this.#events.next();
      if (next.done === true)
        throw new EmberboxError(
          "connection_failed",
          "The sandbox's answer ended before the process did",
        );
      const event = next.value.event?.event;
      if (event?.case === "data") await this.#deliver(() => sinkFor(sink, event.value.output));
      if (event?.case === "end") {
        await this.#deliver(() => sink.end());
        this.#readStreamEnd();
        return event.value;
      }
    }
  }

  /** Reads the rest of the stream, so that the connection can be reused. */
  #readStreamEnd(): void {
    const timer = setTimeout(() => this.#wire.abort(), SAFETY_MS).unref();
    this.#events
      .next()
      .catch(() => {})
      .finally(() => clearTimeout(timer));
  }

  async #deliver(deliver: () => unknown): Promise<void> {
    try {
      const work = deliver();
      if (isPromise(work)) await this.#limit.hold(work);
    } catch (error) {
      this.#call.abort(error);
    }
    this.#call.signal.throwIfAborted();
  }

  #explain(error: unknown): unknown {
    const explained = rpcError(error, "process_not_found");
    if (!EmberboxError.isInstance(explained) || explained.code !== "timeout") return explained;
    return timedOut(this.#options);
  }
}

function sinkFor(
  sink: Sink,
  output: { case: string | undefined; value?: Uint8Array | undefined },
): unknown {
  if (output.value === undefined) return undefined;
  if (output.case === "stdout") return sink.stdout(output.value);
  if (output.case === "stderr") return sink.stderr(output.value);
  return sink.pty(output.value);
}

function streamHeaders({ user, timeoutMs }: StreamOptions): Record<string, string> {
  const limit: Record<string, string> =
    timeoutMs > 0 ? { "Connect-Timeout-Ms": String(timeoutMs) } : {};
  return { ...KEEPALIVE_HEADERS, ...limit, ...userHeaders(user) };
}

function timedOut({ timeoutMs, kill }: StreamOptions): EmberboxError {
  if (kill === undefined) {
    return new EmberboxError(
      "timeout",
      `Stayed connected to the process for the ${timeoutMs} ms asked for; it runs on`,
    );
  }
  return new EmberboxError(
    "timeout",
    `The command did not end within its time limit of ${timeoutMs} ms and was killed`,
  );
}

function outOfMemory({ error, limitMb, exitCode }: ProcessEvent_EndEvent): EmberboxError {
  const limit = limitMb === undefined ? "" : ` of ${limitMb} MiB`;
  const message =
    error ?? `The command needed more memory than the sandbox's limit${limit} and was killed`;
  return new EmberboxError("out_of_memory", message, { details: { exitCode, limitMB: limitMb } });
}
