/**
 * Which files code made: a directory before and after, bounded in entries, depth and time. `emberbox_files.py` does the
 * same for Python.
 */
import { spawn } from "node:child_process";
import { readlinkSync } from "node:fs";
import { background, warning } from "@emberbox/core/background";
import { inUserCgroup } from "../cgroup.ts";
import type { User } from "../envd/users.ts";
import { environmentOf } from "./environment.ts";
import type { KernelListener } from "./language.ts";
import { mimeTypeOf } from "./mime-types.ts";

const MAX_ENTRIES = 10_000;
const MAX_DEPTH = 9;
const MAX_REPORTED = 1000;
/** More than the largest report of that many entries usually takes, in bytes. */
const MAX_LISTING = 4 * 1024 * 1024;
const MAX_MS = 5000;
// Directories that tools fill; hidden ones are skipped too.
const PASSED_OVER = "( -name .* -o -name node_modules -o -name __pycache__ ) -prune -o".split(" ");

interface Snapshot {
  readonly directory: string;
  /** By path, what changes when a file does, and its size. */
  readonly files: ReadonlyMap<string, { readonly stamp: string; readonly size: number }>;
  readonly complete: boolean;
}

/** A snapshot of the directory that a process works in, or `undefined` if it no longer exists. */
export async function snapshot(pid: number, user: User): Promise<Snapshot | undefined> {
  try {
    return await list(readlinkSync(`/proc/${pid}/cwd`), user);
  } catch {
    return undefined;
  }
}

/** A listener that is told of the changed files before the end. */
export function reporting(listener: KernelListener, before: Snapshot, user: User): KernelListener {
  return {
    output: (piece) => listener.output(piece),
    error: (line) => listener.error(line),
    flush: () => listener.flush(),
    end() {
      const ended = list(before.directory, user)
        .then((after) => listener.output(filesLine(before, after)))
        .catch(() => undefined)
        .then(() => listener.end());
      background(ended, warning("Ending an execution"));
    },
  };
}

/** Lists with a program: that many file system calls would keep the agent from everything else. */
function list(directory: string, user: User): Promise<Snapshot> {
  const format = String.raw`%y %d %s %T@:%i %p\0`;
  const args = [directory, "-mindepth", "1", "-maxdepth", String(MAX_DEPTH), ...PASSED_OVER];
  const files = new Map<string, { stamp: string; size: number }>();
  let [pending, entries, size, complete] = ["", 0, 0, true];
  return new Promise((resolve, reject) => {
    const child = inUserCgroup(() =>
      spawn("find", [...args, "-printf", format], {
        env: environmentOf(user),
        ...(process.getuid?.() === 0 ? { uid: user.uid, gid: user.gid } : {}),
        stdio: ["ignore", "pipe", "ignore"],
        timeout: MAX_MS,
        killSignal: "SIGKILL",
      }),
    );
    child.stdout!.setEncoding("utf8").on("data", (text: string) => {
      const records = (pending + text).split("\0");
      pending = records.pop()!;
      entries += records.length;
      size += text.length;
      for (const record of records) {
        const [kind, depth, bytes, time] = record.split(" ", 4);
        const path = record.slice(`${kind} ${depth} ${bytes} ${time} `.length);
        if (kind === "d" && depth === String(MAX_DEPTH)) complete = false;
        if (kind === "f") files.set(path, { stamp: `${bytes} ${time}`, size: Number(bytes) });
      }
      if (entries > MAX_ENTRIES || size > MAX_LISTING) child.kill("SIGKILL");
    });
    child.on("error", reject);
    child.on("close", (_code, signal) => {
      if (signal !== null) complete = false;
      resolve({ directory, files, complete });
    });
  });
}

/** The protocol's line for what has changed. */
function filesLine(before: Snapshot, after: Snapshot): Buffer {
  const changes = [...after.files]
    .map(([path, { stamp, size }]) => ({ path, stamp, size, earlier: before.files.get(path) }))
    // If the tree was not seen whole before, a file that looks new may only have been missed.
    .filter(({ earlier, stamp }) =>
      earlier === undefined ? before.complete : earlier.stamp !== stamp,
    )
    .toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const files = changes.slice(0, MAX_REPORTED).map(({ path, size, earlier }) => ({
    path,
    size,
    mime_type: mimeTypeOf(path),
    change: earlier === undefined ? "created" : "modified",
  }));
  const truncated = !before.complete || !after.complete || changes.length > MAX_REPORTED;
  return Buffer.from(`${JSON.stringify({ type: "files", files, truncated })}\n`);
}
