import { connect } from "node:net";
import { pipeline } from "node:stream";
import type { ChannelStream } from "@emberbox/wire";

/** The sandbox's own addresses: a server may listen on either. */
const LOOPBACK = ["127.0.0.1", "::1"];

/** Connects a stream to a server inside the sandbox. Each direction may end before the other. */
export function forward(
  stream: ChannelStream,
  port: number,
  hosts: readonly string[] = LOOPBACK,
): void {
  const [host, ...others] = hosts;
  const socket = connect({ port, host: host!, allowHalfOpen: true, noDelay: true });
  const refused = (): void => {
    if (others.length > 0) forward(stream, port, others);
    else stream.destroy();
  };
  socket.once("error", refused);
  socket.once("connect", () => {
    socket.off("error", refused);
    // A pipeline destroys both ends when one of them breaks, and neither after passing everything on.
    pipeline(stream, socket, () => {});
    pipeline(socket, stream, () => {});
  });
}
