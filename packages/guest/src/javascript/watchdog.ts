/** A thread that stops the main one when it does not respond. */
import { Session } from "node:inspector";
import { Socket } from "node:net";
import { setTimeout } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";

/** How long the main thread has to end an execution itself, in ms: at first, and at most. */
const [PATIENCE_MS, MOST_PATIENCE_MS] = [100, 1600];
/** No execution has this number: it means that the thread is ready. */
const NONE = 0;

const { running, descriptor } = workerData as { running: Int32Array; descriptor: number };

// Each interrupt is the number of the execution to interrupt.
new Socket({ fd: descriptor, readable: true, writable: false }).on(
  "data",
  (chunk: Buffer) => void interrupt(chunk.readUInt32BE(chunk.length - 4)),
);

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
parentPort!.postMessage(NONE);

/** Goes on until the execution is over: on a busy machine it may begin seconds after it was interrupted. */
async function interrupt(execution: number): Promise<void> {
  if (execution === NONE) return;
  // When what does not respond is stopped, its cell's timers may come before the message.
  Atomics.store(running, 2, execution);
  // On a slow machine the main thread may need longer than that to begin: it would be stopped again and again.
  for (let patience = PATIENCE_MS; ; patience = Math.min(2 * patience, MOST_PATIENCE_MS)) {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    parentPort!.postMessage(execution);
    await setTimeout(patience);
    if (isOver(execution)) return;
    // It runs and does not respond; or something that an earlier one left behind runs, and keeps it from starting.
    terminate();
  }
}

function isOver(execution: number): boolean {
  const begun = Atomics.load(running, 1);
  return begun > execution || (begun === execution && Atomics.load(running, 0) !== execution);
}

/** Connected only for a moment: Node does not exit silently while an inspector is connected. */
function terminate(): void {
  const session = new Session();
  session.connectToMainThread();
  session.post("Runtime.terminateExecution", () => session.disconnect());
}
