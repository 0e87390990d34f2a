import type { Duplex } from "node:stream";
import type { Dispatcher } from "undici";
import { ENVD_PORT, INTERPRETER_PORT } from "@emberbox/core/envd";

/** Calls of the agent that change nothing, besides those with GET. */
const READS = new Set([
  "/filesystem.Filesystem/ListDir",
  "/filesystem.Filesystem/Stat",
  "/filesystem.Filesystem/WatchDir",
  "/process.Process/List",
  "/emberbox/files/read",
]);

/** What came to a machine from outside that may have changed it. */
export class Activity {
  /** How much has begun. */
  #begun = 0;
  /** How much of it has not ended. */
  #open = 0;

  /** Equal to an earlier one exactly when nothing came since, and nothing was under way then; `undefined` if it is now. */
  get mark(): number | undefined {
    return this.#open === 0 ? this.#begun : undefined;
  }

  /** Takes note of a stream to a server inside. */
  add<Stream extends Duplex>(stream: Stream): Stream {
    stream.once("close", this.#begin());
    return stream;
  }

  /** The same dispatcher; requests through it are taken note of. */
  watch(dispatcher: Dispatcher): Dispatcher {
    return dispatcher.compose(
      (dispatch) => (options, handler) =>
        dispatch(options, isRead(options) ? handler : untilOver(handler, this.#begin())),
    );
  }

  #begin(): () => void {
    this.#begun++;
    this.#open++;
    let isOver = false;
    return () => {
      if (!isOver) this.#open--;
      isOver = true;
    };
  }
}

function isRead({ origin, path, method }: Dispatcher.DispatchOptions): boolean {
  const port = Number(new URL(String(origin)).port);
  if (port !== ENVD_PORT && port !== INTERPRETER_PORT) return false;
  return method === "GET" || (method === "POST" && port === ENVD_PORT && READS.has(path));
}

function untilOver(
  handler: Dispatcher.DispatchHandler,
  over: () => void,
): Dispatcher.DispatchHandler {
  return {
    onRequestStart: (...args) => handler.onRequestStart?.(...args),
    onRequestUpgrade: (controller, status, headers, socket) => {
      socket.once("close", over);
      handler.onRequestUpgrade?.(controller, status, headers, socket);
    },
    onResponseStart: (...args) => handler.onResponseStart?.(...args),
    onResponseData: (...args) => handler.onResponseData?.(...args),
    onResponseEnd(...args) {
      over();
      handler.onResponseEnd?.(...args);
    },
    onResponseError(...args) {
      over();
      handler.onResponseError?.(...args);
    },
  };
}
