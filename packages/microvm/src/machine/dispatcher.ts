import { connect as startTls } from "node:tls";
import type { ChannelStream } from "@emberbox/wire";
import { Agent, type buildConnector } from "undici/index.js";
import type { Guest } from "./guest.ts";

/** How long a server inside may take to agree on TLS, in ms. */
const HANDSHAKE_MS = 60_000;

/** HTTP over the channel: each connection is a stream to the port that the URL names; TLS within it for `https:`. */
export function channelDispatcher(guest: Pick<Guest, "open">): Agent {
  const connect: buildConnector.connector = ({ port, protocol }, callback) => {
    const isSecure = protocol === "https:";
    // undici must not be called back before this returns.
    queueMicrotask(() => {
      try {
        const stream = guest.open(Number(port || (isSecure ? 443 : 80)));
        if (isSecure) secure(stream, callback);
        else callback(null, stream as never);
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

/** The certificate is the sandbox's own word, and the way there is ours: there is nothing to check it against. */
function secure(stream: ChannelStream, callback: buildConnector.Callback): void {
  const socket = startTls({
    socket: stream,
    rejectUnauthorized: false,
    ALPNProtocols: ["http/1.1"],
  });
  let timer: NodeJS.Timeout | undefined;
  const end = (error: Error | null): void => {
    clearTimeout(timer);
    socket.off("error", end).off("close", onClose);
    if (error === null) return callback(null, socket);
    socket.on("error", () => {}).destroy();
    callback(error, null);
  };
  const onClose = (): void => end(new Error("the server inside closed the connection"));
  timer = setTimeout(() => end(new Error("the server inside speaks no TLS")), HANDSHAKE_MS);
  socket.once("error", end).once("close", onClose);
  socket.once("secureConnect", () => end(null));
}
