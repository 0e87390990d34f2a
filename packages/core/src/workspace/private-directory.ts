import { createHash } from "node:crypto";
import { lstat, mkdir } from "node:fs/promises";
import { createServer } from "node:net";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Queue } from "../concurrency/queue.ts";
import { EmberboxError } from "../errors.ts";

const RETRY_MS = 25;
const queues = new Map<string, Queue>();

/**
 * Where something is kept about a folder that must not be in it, since whoever may write to it could forge it: in
 * `EMBERBOX_HOME`, where other state is, or in the user's directory of data.
 */
export async function privateDirectory(host: string): Promise<string> {
  const environment = process.env;
  const home = environment["EMBERBOX_HOME"];
  const data = environment["XDG_DATA_HOME"] || join(homedir(), ".local", "share");
  const state = home ? join(resolve(home), "state") : resolve(data, "emberbox");
  const directory = join(state, "workspaces", keyOf(host));
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const stats = await lstat(directory);
  if (stats.isDirectory() && stats.uid === process.getuid?.() && (stats.mode & 0o022) === 0)
    return directory;
  throw new EmberboxError("invalid_argument", `${directory} is not this user's alone`, {
    hint: "Point EMBERBOX_HOME at a directory of your own.",
  });
}

const keyOf = (host: string): string =>
  createHash("sha256").update(host).digest("hex").slice(0, 32);

/** Does work on a folder while nobody else of this user does, in this program or another. */
export async function alone<Result>(
  host: string,
  signal: AbortSignal | undefined,
  work: () => Promise<Result>,
): Promise<Result> {
  const queue = queues.get(host) ?? new Queue();
  queues.set(host, queue);
  try {
    return await queue.run(async () => {
      const release = await taken(
        `emberbox-workspace-${process.getuid?.()}-${keyOf(host)}`,
        signal,
      );
      try {
        return await work();
      } finally {
        await release();
      }
    }, signal);
  } finally {
    if (queue.isEmpty) queues.delete(host);
  }
}

/**
 * Takes a name that only one socket can have, and that is free again however its process ends. Elsewhere than on Linux
 * there are no such names, and only work in one program waits for each other.
 */
async function taken(name: string, signal?: AbortSignal): Promise<() => Promise<void>> {
  if (process.platform !== "linux") return async () => {};
  for (;;) {
    const server = createServer((socket) => socket.destroy());
    const { promise, resolve: settle, reject } = Promise.withResolvers<boolean>();
    server.once("error", (error: NodeJS.ErrnoException) =>
      error.code === "EADDRINUSE" ? settle(false) : reject(error),
    );
    server.listen(`\0${name}`, () => settle(true));
    if (await promise) {
      server.unref();
      return () => new Promise((done) => server.close(() => done()));
    }
    await sleep(RETRY_MS, undefined, { ...(signal && { signal }) });
  }
}
