import { constants, openSync, readdirSync, readFileSync, readvSync } from "node:fs";
import type { Duplex } from "node:stream";
import { pollable } from "./descriptor.ts";

/** A virtio-serial port. */
export interface Port {
  readonly stream: Duplex;
  /** Returns a chunk that was just read, together with what else the device has. */
  gather(chunk: Buffer): Buffer;
}

/** Opens the virtio-serial port of a name as a stream on the event loop. */
export function openPort(wanted: string): Port {
  const device = readdirSync("/sys/class/virtio-ports").find(
    (name) => readFileSync(`/sys/class/virtio-ports/${name}/name`, "utf8").trim() === wanted,
  );
  if (device === undefined) throw new Error("this machine has no channel to its host");
  const fd = openSync(`/dev/${device}`, constants.O_RDWR | constants.O_NONBLOCK);
  const stream = pollable(fd, { writable: true });
  return { stream, gather: (chunk) => gather(fd, chunk) };
}

/** What the kernel returns per read, in bytes. */
const DEVICE_BUFFER = 4096;
const GATHERED_BYTES = 65_536;
const gathered = Buffer.allocUnsafeSlow(GATHERED_BYTES);
/** The kernel fills one after the other, each as by a read of its own, until one is not filled. */
const pieces = Array.from({ length: GATHERED_BYTES / DEVICE_BUFFER }, (_, index) =>
  gathered.subarray(index * DEVICE_BUFFER, (index + 1) * DEVICE_BUFFER),
);

/**
 * A read returns one page, and each chunk costs a pass through all streams and parsers, so several are taken at once.
 */
function gather(fd: number, chunk: Buffer): Buffer {
  if (chunk.length < DEVICE_BUFFER) return chunk;
  const length = readMore(fd);
  return length === 0 ? chunk : Buffer.concat([chunk, gathered.subarray(0, length)]);
}

function readMore(fd: number): number {
  try {
    return readvSync(fd, pieces);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return 0;
    throw error;
  }
}
