import type { CallOptions } from "@connectrpc/connect";
import { z } from "zod";
import { warning } from "../background.ts";
import { EmberboxError } from "../errors.ts";
import {
  callback,
  type FieldsOf,
  milliseconds,
  parseOptions,
  requestFields,
  user,
} from "../options.ts";
import type { SandboxConnection } from "../provider.ts";
import { Call } from "../wire/call.ts";
import {
  EventType,
  type FilesystemEvent as WireEvent,
  type WatchDirResponse,
} from "../wire/generated/filesystem_pb.ts";
import { rpcError } from "../wire/rpc-call.ts";
import { KEEPALIVE_HEADERS, userHeaders, type Rpc } from "../wire/rpc.ts";
import { SAFETY_MS, TimeLimit } from "../wire/time-limit.ts";
import { entryFrom, type EntryInfo } from "./entry.ts";
import { checkPath } from "./path.ts";
import type { FileOptions } from "./read.ts";

/** A change in a watched directory. */
export interface FilesystemEvent {
  /** Moving a file gives `rename` for its old name and `create` for the new one. */
  readonly type: "create" | "write" | "remove" | "rename" | "chmod";
  /** Relative to the watched directory; `.` for the directory itself. */
  readonly name: string;
  /** The entry, when `includeEntry` asks for it and it still exists. Absent for `remove` and `rename`. */
  readonly entry?: EntryInfo;
}

/** What to watch, and for how long. */
export interface WatchOptions extends FileOptions {
  /** Also watches the directories below. @default false */
  readonly recursive?: boolean | undefined;
  /** Adds the entry (size, mode and so on) to each change. @default false */
  readonly includeEntry?: boolean | undefined;
  /** How long to watch, in milliseconds; 0 for no limit. @default 60_000 */
  readonly timeoutMs?: number | undefined;
  /**
   * Called once when the watch has ended: without an error when it was stopped or the directory is gone, otherwise with
   * the reason, such as a time limit or what `onEvent` threw.
   */
  readonly onExit?: ((error?: Error) => unknown) | undefined;
}

/** Called with each change. If it returns a promise, the promise is awaited before the next change. */
export type WatchCallback = (event: FilesystemEvent) => unknown;

const DEFAULT_TIMEOUT_MS = 60_000;
const flag = z.boolean().optional().describe("true or false");
const schema = z.strictObject({
  ...requestFields,
  user,
  recursive: flag,
  includeEntry: flag,
  timeoutMs: milliseconds,
  onExit: callback<(error?: Error) => unknown>(),
} satisfies FieldsOf<WatchOptions>);

const types: Readonly<Partial<Record<EventType, FilesystemEvent["type"]>>> = {
  [EventType.CREATE]: "create",
  [EventType.WRITE]: "write",
  [EventType.REMOVE]: "remove",
  [EventType.RENAME]: "rename",
  [EventType.CHMOD]: "chmod",
};

/** A running watch. `await using` stops it at the end of the scope. */
export class WatchHandle implements AsyncDisposable {
  readonly #stop: () => Promise<void>;

  /** @internal `files.watchDir` creates these. */
  constructor(stop: () => Promise<void>) {
    this.#stop = stop;
  }

  /** Ends the watch. Resolves once `onEvent` will not be called again. */
  stop(): Promise<void> {
    return this.#stop();
  }

  /** Stops the watch. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** @internal Opens a watch; resolves once every later change will be reported. */
export async function watchDirectory(
  connection: SandboxConnection,
  rpc: Rpc,
  path: string,
  onEvent: WatchCallback,
  options: WatchOptions | undefined,
): Promise<WatchHandle> {
  checkPath(path);
  if (typeof onEvent !== "function")
    throw new EmberboxError("invalid_argument", "Expected `onEvent` to be a function");
  const checked = parseOptions(schema, options);
  const { recursive = false, includeEntry = false, timeoutMs = DEFAULT_TIMEOUT_MS } = checked;
  const call = new Call(connection, checked);
  try {
    call.throwIfGone();
    const stream = rpc.filesystem.watchDir({ path, recursive, includeEntry }, {
      signal: call.signal,
      headers: headersOf(checked.user, timeoutMs),
    } satisfies CallOptions);
    const events = stream[Symbol.asyncIterator]();
    await call.begin(() => readStart(events));
    return follow(call, events, onEvent, timeoutMs, checked.onExit);
  } catch (error) {
    call[Symbol.dispose]();
    throw await call.failure(rpcError(error, "file_not_found"));
  }
}

async function readStart(events: AsyncIterator<WatchDirResponse>): Promise<void> {
  const first = await events.next();
  if (first.done === true || first.value.event.case !== "start")
    throw new EmberboxError("protocol_error", "The sandbox did not say that the watch started");
}

function follow(
  call: Call,
  events: AsyncIterator<WatchDirResponse>,
  onEvent: WatchCallback,
  timeoutMs: number,
  onExit: ((error?: Error) => unknown) | undefined,
): WatchHandle {
  const limit = new TimeLimit(() => call.expire(timedOut(timeoutMs)));
  if (timeoutMs > 0) limit.start(timeoutMs + SAFETY_MS);
  const stopped = new EmberboxError("connection_failed", "The watch was stopped");
  // `onExit`, when given, gets the error instead.
  const onThrow = onExit ? () => {} : warning("The callback of `watchDir`");
  const ended = readEvents(call, events, onEvent, onThrow)
    .then(
      () => undefined,
      async (error: unknown) =>
        explain(await call.failure(rpcError(error, "file_not_found")), timeoutMs),
    )
    .then(async (error) => {
      limit[Symbol.dispose]();
      call[Symbol.dispose]();
      await onExit?.(...(error === stopped || error === undefined ? [] : [error as Error]));
    })
    .catch(warning("The callback `onExit`"));
  return new WatchHandle(async () => {
    call.expire(stopped);
    await ended;
  });
}

async function readEvents(
  call: Call,
  events: AsyncIterator<WatchDirResponse>,
  onEvent: WatchCallback,
  onThrow: (error: unknown) => void,
): Promise<void> {
  for (;;) {
    const next = await call.race(events.next());
    if (next.done === true) return;
    const { event } = next.value;
    if (event.case !== "filesystem") continue;
    const change = eventFrom(event.value);
    if (change === undefined) continue;
    try {
      await call.race(Promise.resolve(onEvent(change)));
    } catch (error) {
      if (!call.signal.aborted) onThrow(error);
      call.abort(error);
      throw error;
    }
  }
}

function eventFrom({ type, name, entry }: WireEvent): FilesystemEvent | undefined {
  const known = types[type];
  return known && { type: known, name, ...(entry && { entry: entryFrom(entry) }) };
}

function headersOf(user: string | undefined, timeoutMs: number): Record<string, string> {
  const limit: Record<string, string> =
    timeoutMs > 0 ? { "Connect-Timeout-Ms": String(timeoutMs) } : {};
  return { ...KEEPALIVE_HEADERS, ...limit, ...userHeaders(user) };
}

function explain(error: unknown, timeoutMs: number): unknown {
  const isLimit = EmberboxError.isInstance(error) && error.code === "timeout";
  return isLimit ? timedOut(timeoutMs) : error;
}

function timedOut(timeoutMs: number): EmberboxError {
  return new EmberboxError("timeout", `Watched for the ${timeoutMs} ms asked for`);
}
