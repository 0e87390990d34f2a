import { extname, join } from "node:path";
import { MessageChannel, receiveMessageOnPort, Worker } from "node:worker_threads";
import type { WriteBehindData, WriteFailure, WriteJob } from "./write-behind-thread.ts";

/** Writes to an open file on another thread, in the order of calls. */
export class WriteBehind {
  readonly #pending = new Int32Array(new SharedArrayBuffer(4));
  readonly #file: number;
  #thread: { readonly port: MessageChannel["port1"]; readonly worker: Worker } | undefined;

  constructor(file: number) {
    this.#file = file;
  }

  /** `bytes` is shared memory, and not to be changed before `waitFor` tells that this is done. */
  write(bytes: Uint8Array, position: number): void {
    this.#thread ??= this.#start();
    Atomics.add(this.#pending, 0, 1);
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port has no origin
    this.#thread.port.postMessage({ bytes, position } satisfies WriteJob);
  }

  /** Waits until no more than this many writes are not done. @throws what a write has thrown */
  waitFor(most: number): void {
    for (;;) {
      const pending = Atomics.load(this.#pending, 0);
      if (pending <= most) break;
      Atomics.wait(this.#pending, 0, pending);
    }
    const failed = this.#thread && receiveMessageOnPort(this.#thread.port);
    if (!failed) return;
    const { message, code } = failed.message as WriteFailure;
    throw Object.assign(new Error(message), { code });
  }

  /** Nothing is written any more afterwards. */
  close(): void {
    try {
      this.waitFor(0);
    } finally {
      this.#thread?.port.close();
      this.#thread = undefined;
    }
  }

  #start() {
    const { port1: port, port2 } = new MessageChannel();
    const file = `write-behind-thread${extname(import.meta.filename)}`;
    const workerData: WriteBehindData = { port: port2, file: this.#file, pending: this.#pending };
    const worker = new Worker(join(import.meta.dirname, file), {
      ...{ workerData, transferList: [port2], execArgv: [], env: {} },
    });
    worker.unref();
    return { port, worker };
  }
}
