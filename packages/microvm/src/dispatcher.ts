import { Agent, type buildConnector } from "undici";
import type { Guest } from "./machine/guest.ts";

/** HTTP over the channel: each connection is a stream to the port that the URL names. */
export function channelDispatcher(guest: Pick<Guest, "open">): Agent {
  const connect: buildConnector.connector = (options, callback) => {
    // undici is not ready to be called back before it has been returned to.
    queueMicrotask(() => {
      try {
        callback(null, guest.open(Number(options.port || 80)) as never);
      } catch (error) {
        callback(error as Error, null);
      }
    });
  };
  return new Agent({
    connect,
    pipelining: 1,
    keepAliveTimeout: 60_000,
    headersTimeout: 0,
    bodyTimeout: 0,
  });
}
