import { type OnReadOpts, Socket } from "node:net";

interface PipeBinding {
  readonly Pipe: new (type: number) => { open(fd: number): number };
  readonly constants: { readonly SOCKET: number };
}

/**
 * A stream over a descriptor that can be polled and is neither a socket nor a pipe. Node's own streams would treat it
 * as a file, which costs a thread and two context switches per read; libuv's pipe handle polls it.
 */
export function pollable(fd: number, options: { writable: boolean; onread?: OnReadOpts }): Socket {
  const { Pipe, constants } = (
    process as unknown as { binding(name: string): PipeBinding }
  ).binding("pipe_wrap");
  const handle = new Pipe(constants.SOCKET);
  const failed = handle.open(fd);
  if (failed) throw new Error(`descriptor ${fd} cannot be polled (${failed})`);
  return new Socket({ handle, readable: true, ...options } as never);
}
