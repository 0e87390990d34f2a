import { readdirSync, readFileSync, statfsSync, statSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import type { AgentContext } from "../context.ts";
import { encodeEnvelope, RpcError, type EventStream, type Json } from "./connect.ts";
import { DirectoryWatch, type Change, type WatchOptions } from "./directory-watch.ts";
import { fileError, resolvePath } from "./paths.ts";
import type { StreamMethod, UnaryMethod } from "./process-service.ts";
import { isLed, withRightsOf } from "./rights.ts";
import { deadlineOf, keepAlive } from "./stream-timers.ts";
import { requestUser } from "./users.ts";

/** How many watches there may be at once: of streams, and of those that are polled, each. */
const maxWatches = 64;
/** How many changes wait for a client to ask for them; beyond that, the kernel's queue fills. */
const maxWaiting = 10_000;

interface AskedWatch {
  readonly watch: DirectoryWatch;
  waiting: Change[];
  error: RpcError | undefined;
}

export interface WatchMethods {
  readonly streams: Readonly<Record<"WatchDir", StreamMethod>>;
  readonly unary: Readonly<
    Record<"CreateWatcher" | "GetWatcherEvents" | "RemoveWatcher", UnaryMethod>
  >;
}

/** The methods of `filesystem.Filesystem` that report changes. */
export function createWatchMethods(context: AgentContext): WatchMethods {
  let streams = 0;
  const asked = new Map<string, AskedWatch>();

  async function watchDir(
    message: Json,
    request: IncomingMessage,
    stream: EventStream,
  ): Promise<void> {
    const options = watchOptions(message, request, context);
    const milliseconds = deadlineOf(request);
    if (streams >= maxWatches)
      throw new RpcError("resource_exhausted", `${maxWatches} directories are watched already`);
    streams++;
    stream.onClose(() => streams--);
    const watch = await DirectoryWatch.open(options, {
      change: (filesystem) => stream.write(encodeEnvelope(0, { filesystem })),
      end: (error) => stream.end(error),
    });
    stream.onClose(() => watch.close());
    if (!stream.isOpen) return watch.close();
    stream.onDrain(() => watch.resume());
    stream.write(encodeEnvelope(0, { start: {} }));
    keepAlive(stream, request, encodeEnvelope(0, { keepalive: {} }));
    if (milliseconds === undefined) return;
    const late = new RpcError("deadline_exceeded", "the time limit of the watch was reached");
    const timer = setTimeout(() => stream.end(late), milliseconds);
    stream.onClose(() => clearTimeout(timer));
  }

  async function createWatcher(message: Json, request: IncomingMessage): Promise<Json> {
    const options = watchOptions(message, request, context);
    const one = { waiting: [] as Change[], error: undefined as RpcError | undefined };
    const watch = await DirectoryWatch.open(options, {
      change: (change) => one.waiting.push(change) < maxWaiting,
      end: (error) => (one.error = error),
    });
    // Clients that went away never remove theirs: the one that has not been asked for the longest makes room.
    if (asked.size >= maxWatches) remove(asked.keys().next().value!);
    // Not the agent's own generator, which copies of a snapshot share.
    const id = readFileSync("/proc/sys/kernel/random/uuid", "latin1").trim();
    asked.set(id, Object.assign(one, { watch }));
    return { watcherId: id };
  }

  function find({ watcherId }: Json): { id: string; one: AskedWatch } {
    const one = typeof watcherId === "string" ? asked.get(watcherId) : undefined;
    if (one === undefined)
      throw new RpcError("not_found", `watcher with id ${String(watcherId)} not found`);
    return { id: watcherId as string, one };
  }

  function remove(id: string): void {
    asked.get(id)?.watch.close();
    asked.delete(id);
  }

  return {
    streams: { WatchDir: watchDir },
    unary: {
      CreateWatcher: createWatcher,
      GetWatcherEvents: (message) => {
        const { id, one } = find(message);
        asked.delete(id);
        asked.set(id, one);
        const events = one.waiting;
        if (events.length === 0 && one.error !== undefined) throw one.error;
        one.waiting = [];
        one.watch.resume();
        return { events };
      },
      RemoveWatcher: (message) => {
        remove(find(message).id);
        return {};
      },
    },
  };
}

function watchOptions(
  message: Json,
  request: IncomingMessage,
  context: AgentContext,
): WatchOptions {
  const user = requestUser(request, context);
  const path = resolvePath(message["path"], user);
  try {
    // What the user may not list must not be revealed through a link.
    if (isLed(path, user)) withRightsOf(user, () => readdirSync(path));
    if (!statSync(path).isDirectory())
      throw new RpcError("invalid_argument", `path '${path}' is not a directory`);
    if (message["allowNetworkMounts"] !== true && networkTypes.has(statfsSync(path).type))
      throw new RpcError("invalid_argument", `cannot watch path on network filesystem: ${path}`);
  } catch (error) {
    throw fileError(error, path);
  }
  return {
    path,
    recursive: message["recursive"] === true,
    includeEntry: message["includeEntry"] === true,
  };
}

/** NFS, SMB, CIFS, 9p, FUSE and Ceph: changes that are made elsewhere are not seen there. */
const networkTypes = new Set([
  0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x01021997, 0x65735546, 0x00c36400,
]);
