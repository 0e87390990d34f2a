import { constants, openSync, readdirSync, readFileSync } from "node:fs";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";

const PORT_NAME = "emberbox";

interface PipeHandle {
  open(fd: number): number;
}

/**
 * Opens the virtio-serial port as a stream on the event loop. A character device is a "file" to Node's own
 * streams, which would take a thread and two context switches per read; libuv's pipe handle polls it.
 */
export function openPort(): Duplex {
  const device = readdirSync("/sys/class/virtio-ports").find(
    (name) => readFileSync(`/sys/class/virtio-ports/${name}/name`, "utf8").trim() === PORT_NAME,
  );
  if (device === undefined) throw new Error("this machine has no channel to its host");
  const fd = openSync(`/dev/${device}`, constants.O_RDWR | constants.O_NONBLOCK);
  const { Pipe, constants: pipe } = (process as unknown as { binding(name: string): PipeBinding }).binding("pipe_wrap");
  const handle = new Pipe(pipe.SOCKET);
  const failed = handle.open(fd);
  if (failed) throw new Error(`the channel cannot be polled (${failed})`);
  return new Socket({ handle, readable: true, writable: true } as never);
}

interface PipeBinding {
  readonly Pipe: new (type: number) => PipeHandle;
  readonly constants: { readonly SOCKET: number };
}
