import type { Duplex } from "node:stream";
import { background, warning } from "@emberbox/core/background";
import { HEADER_BYTES, MAX_REQUEST } from "./protocol.ts";
import type { VolumeServer } from "./server.ts";

/** Requests of a mount that are worked on at once. While there are as many, no more are read. */
const MAX_UNDER_WAY = 32;

/** Serves a mount to the guest at the other end of a stream, on which requests and answers say how long they are. */
export function serveMount(stream: Duplex, server: Pick<VolumeServer, "handle">): void {
  let held: Buffer = Buffer.alloc(0);
  let underWay = 0;
  let isFull = false;

  const work = async (request: Buffer): Promise<void> => {
    underWay++;
    const answer = await server.handle(request);
    underWay--;
    if (stream.destroyed) return;
    if (answer !== undefined) isFull = !stream.write(answer);
    go();
  };
  const hasRoom = (): boolean => underWay < MAX_UNDER_WAY && !isFull;
  /** Begins what has come whole, as far as there is room. */
  const go = (): void => {
    while (hasRoom() && held.length >= HEADER_BYTES) {
      const length = held.readUInt32LE(0);
      if (length < HEADER_BYTES || length > MAX_REQUEST)
        return void stream.destroy(new Error(`a request of ${length} bytes is none`));
      if (held.length < length) break;
      const request = held.subarray(0, length);
      held = held.subarray(length);
      background(work(request), warning("Answering for a volume"));
    }
    if (hasRoom()) stream.resume();
    else stream.pause();
  };
  stream.on("error", () => {});
  stream.on("drain", () => {
    isFull = false;
    go();
  });
  stream.on("data", (part: Buffer) => {
    held = held.length === 0 ? part : Buffer.concat([held, part]);
    go();
  });
}
