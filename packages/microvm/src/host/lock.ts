import { spawn } from "node:child_process";
import { type FileHandle, mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";
import { EmberboxError } from "@emberbox/core";

export interface Lock {
  /** Passed to a child, it keeps the lock until that child has ended too. */
  readonly fd: number;
}

export interface LockOptions {
  /** Called once if somebody else has the lock. */
  readonly onWait?: (() => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Does `work` while holding the lock on the file `path`, against other processes and others in this one. The kernel
 * ties the lock to the open file, so it is released however this process ends. The file stays.
 */
export async function withLock<T>(
  path: string,
  work: (lock: Lock) => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  options.signal?.throwIfAborted();
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const file = await open(path, "a");
  try {
    if (!(await flock(file, ["--nonblock"], options.signal))) {
      options.onWait?.();
      await flock(file, [], options.signal);
    }
    return await work({ fd: file.fd });
  } finally {
    await file.close();
  }
}

const CONFLICT = 1;

/** Node has no `flock`: a child takes the lock on the file description that it shares with us, and exits. */
function flock(
  file: FileHandle,
  flags: readonly string[],
  signal: AbortSignal | undefined,
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = spawn("flock", ["--exclusive", ...flags, "3"], {
      stdio: ["ignore", "ignore", "ignore", file.fd],
      killSignal: "SIGKILL",
      ...(signal && { signal }),
    });
    child.once("error", (error: NodeJS.ErrnoException) => {
      if (error.name === "AbortError") reject(signal?.reason as Error);
      else if (error.code === "ENOENT")
        reject(
          new EmberboxError("tool_missing", "`flock` is missing: install util-linux", {
            cause: error,
          }),
        );
      else reject(error);
    });
    child.once("exit", (code) => {
      if (code === 0) resolve(true);
      else if (code === CONFLICT && flags.length > 0) resolve(false);
      else reject(new Error(`flock ended with ${code}`));
    });
  });
}
