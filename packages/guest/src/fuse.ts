import { access, statSync } from "node:fs";
import { extname, join } from "node:path";
import { Worker } from "node:worker_threads";

const FUSE = "/sys/fs/fuse";
const BEAT_MS = 1000;

let isGuarded = false;

/**
 * From when the kernel knows FUSE, a thread watches whether this one goes on. A call to a mount whose program does not
 * answer never returns, and files are reached synchronously because only a whole thread can have a user's rights.
 */
export function guardAgainstFuse(log: (line: string) => void): void {
  if (isGuarded || statSync(FUSE, { throwIfNoEntry: false }) === undefined) return;
  isGuarded = true;
  const beats = new Int32Array(new SharedArrayBuffer(4));
  // By way of the threads that work on files: they can be stuck as well.
  setInterval(() => access("/", () => void Atomics.add(beats, 0, 1)), BEAT_MS).unref();
  const guard = new Worker(
    join(import.meta.dirname, `fuse-guard${extname(import.meta.filename)}`),
    { workerData: beats, execArgv: [], env: {} },
  );
  guard.on("error", (error) => log(`the guard against stuck FUSE mounts: ${error}`));
  guard.unref();
}
