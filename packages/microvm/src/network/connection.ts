import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { background } from "@emberbox/core/background";
import type { ChannelStream } from "@emberbox/wire";

/** A stream of the guest's to the outside. */
export interface Connection {
  readonly stream: ChannelStream;
  readonly host: string;
  readonly port: number;
  /** The host, where it is a name. */
  readonly name: string | undefined;
  /** What it is connected to, or may be; empty while nothing was decided. */
  addresses: readonly string[];
  /** It was allowed for its name, and what is said on it is checked against that. */
  byName: boolean;
}

/** Carries bytes both ways; what the guest sends waits until `admit` has let it. */
export function join(stream: ChannelStream, socket: Socket, admit: Promise<boolean>): void {
  stream.once("close", () => {
    if (!stream.readableEnded || !socket.writableFinished) socket.destroy();
  });
  socket.once("close", () => {
    if (!socket.readableEnded || !stream.writableFinished) stream.destroy();
  });
  socket.pipe(stream);
  const begun = admit.then((isAdmitted) => {
    if (isAdmitted) stream.pipe(socket);
    else stream.destroy();
  });
  background(begun, () => stream.destroy());
}

/** Says one byte, and no more. */
export function sayOnly(stream: Duplex, code: number): void {
  stream.resume();
  stream.end(Buffer.of(code), () => stream.destroy());
}
