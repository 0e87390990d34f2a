import type { IncomingMessage } from "node:http";
import { RpcError, type EventStream } from "./connect.ts";

const defaultKeepAliveSeconds = 90;
const maxTimerMs = 2 ** 31 - 1;

/** The milliseconds that `Connect-Timeout-Ms` grants, or undefined for no limit. */
export function deadlineOf(request: IncomingMessage): number | undefined {
  const header = request.headers["connect-timeout-ms"];
  if (header === undefined) return undefined;
  if (typeof header !== "string" || !/^\d{1,10}$/.test(header)) {
    throw new RpcError(
      "invalid_argument",
      "Connect-Timeout-Ms is not a number of at most ten digits",
    );
  }
  const milliseconds = Number(header);
  return milliseconds === 0 || milliseconds > maxTimerMs ? undefined : milliseconds;
}

/** The seconds between signs of life that `Keepalive-Ping-Interval` asks for. */
function keepAliveSeconds(request: IncomingMessage): number {
  const header = request.headers["keepalive-ping-interval"];
  if (typeof header !== "string" || !/^\d{1,5}$/.test(header)) return defaultKeepAliveSeconds;
  return Math.max(1, Number(header));
}

/** Sends a sign of life whenever the stream has been idle for as long as the client asks. */
export function keepAlive(stream: EventStream, request: IncomingMessage, frame: Buffer): void {
  stream.onIdle(keepAliveSeconds(request) * 1000, () => stream.write(frame));
}
