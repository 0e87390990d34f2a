import { Agent, type buildConnector } from "undici/index.js";
import type { Guest } from "./guest.ts";

/** HTTP over the channel: each connection is a stream to the port that the URL names. */
export function channelDispatcher(guest: Pick<Guest, "open">): Agent {
  const connect: buildConnector.connector = (options, callback) => {
    // undici must not be called back before this returns.
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
