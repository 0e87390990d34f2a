/** A thread that writes what another one has gathered, while that goes on. */
import { writeSync } from "node:fs";
import { type MessagePort, workerData } from "node:worker_threads";

export interface WriteBehindData {
  /** Jobs come from there; an error that ends all goes back. */
  readonly port: MessagePort;
  readonly file: number;
  /** How many jobs are not done yet. */
  readonly pending: Int32Array;
}

export interface WriteJob {
  readonly bytes: Uint8Array;
  readonly position: number;
}

/** What is left of an error that is sent to another thread. */
export interface WriteFailure {
  readonly message: string;
  readonly code: string | undefined;
}

const { port, file, pending } = workerData as WriteBehindData;
let hasFailed = false;

port.on("message", ({ bytes, position }: WriteJob) => {
  try {
    if (!hasFailed) writeAll(bytes, position);
  } catch (error) {
    hasFailed = true;
    const { message, code } = error as NodeJS.ErrnoException;
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port has no origin
    port.postMessage({ message, code } satisfies WriteFailure);
  }
  Atomics.sub(pending, 0, 1);
  Atomics.notify(pending, 0);
});

function writeAll(bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length;)
    done += writeSync(file, bytes, done, bytes.length - done, position + done);
}
