import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { background } from "@emberbox/core/background";
import type { ChannelStream } from "@emberbox/wire";

/** A stream from the guest to the outside. */
export interface Connection {
  readonly stream: ChannelStream;
  readonly host: string;
  readonly port: number;
  /** The host, if it is a name. */
  readonly name: string | undefined;
  /** What it is connected to, or may be; empty until that is decided. */
  addresses: readonly string[];
  /** Allowed because of its name, so what is sent on it is checked against that name. */
  byName: boolean;
}

/** Carries bytes both ways; what the guest sends waits until `admit` allows it. */
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

/** Sends one byte and ends the stream. */
export function sayOnly(stream: Duplex, code: number): void {
  stream.resume();
  stream.end(Buffer.of(code), () => stream.destroy());
}
