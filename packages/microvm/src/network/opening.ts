import type { Duplex } from "node:stream";
import { type Opening, OpeningReader } from "./client-hello.ts";
import { GrowingBytes } from "./growing-bytes.ts";

const MAX_BYTES = 131_072;

const asked: WeakMap<Duplex, Promise<Opening>> = new WeakMap();

/** Waits for what a client sends first, and leaves it in the stream. If the stream ends before, it is `incomplete`. */
export function readFirst(stream: Duplex): Promise<Opening> {
  const opening = asked.get(stream) ?? listen(stream);
  asked.set(stream, opening);
  return opening;
}

function listen(stream: Duplex): Promise<Opening> {
  return new Promise((resolve) => {
    const read = new GrowingBytes();
    const reader = new OpeningReader();
    const finish = (opening: Opening): void => {
      stream.off("data", take).off("end", stop).off("close", stop).pause();
      if (read.length > 0 && !stream.destroyed) stream.unshift(read.bytes);
      resolve(opening);
    };
    const stop = (): void => finish({ kind: "incomplete" });
    const take = (chunk: Buffer): void => {
      read.push(chunk);
      const opening = reader.push(chunk);
      if (opening.kind !== "incomplete") finish(opening);
      else if (read.length > MAX_BYTES) finish({ kind: "other" });
    };
    stream.on("data", take).on("end", stop).on("close", stop);
  });
}
