/** A thread that stops the main one where it does not listen. */
import { Session } from "node:inspector";
import { Socket } from "node:net";
import { parentPort, workerData } from "node:worker_threads";

/** Time the main thread has to end an execution itself, `ms`. */
const PATIENCE_MS = 100;

const { running, descriptor } = workerData as { running: Int32Array; descriptor: number };

// Each byte is an interrupt.
new Socket({ fd: descriptor, readable: true, writable: false }).on("data", () => {
  const execution = Atomics.load(running, 0);
  if (execution === 0) return;
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  parentPort!.postMessage(execution);
  setTimeout(() => {
    if (Atomics.load(running, 0) === execution) terminate();
  }, PATIENCE_MS);
});

/** Connected for the moment only: Node does not exit in silence while an inspector is connected. */
function terminate(): void {
  const session = new Session();
  session.connectToMainThread();
  session.post("Runtime.terminateExecution", () => session.disconnect());
}
