import { execFileSync } from "node:child_process";
import { access, statSync } from "node:fs";
import { extname, join } from "node:path";
import { Worker } from "node:worker_threads";

/** As the kernel's documentation of FUSE describes it: a directory for each connection. */
const CONNECTIONS = "/sys/fs/fuse/connections";
const BEAT_MS = 1000;
/** How many links a directory has that has no directories in it. */
const EMPTY_LINKS = 2;

let isMounted = false;
let isGuarded = false;

/**
 * From the first FUSE mount on, a thread watches whether this one goes on. A call to a mount whose program does not
 * answer never returns, and files are reached synchronously because only a whole thread can have a user's rights.
 */
export function guardAgainstFuse(log: (line: string) => void): void {
  if (isGuarded) return;
  const connections = statSync(CONNECTIONS, { throwIfNoEntry: false });
  // This kernel does not know FUSE, or not yet.
  if (connections === undefined) return;
  if (!isMounted) {
    isMounted = true;
    execFileSync("mount", ["-t", "fusectl", "fusectl", CONNECTIONS], { stdio: "ignore" });
    return guardAgainstFuse(log);
  }
  if (connections.nlink <= EMPTY_LINKS) return;
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
