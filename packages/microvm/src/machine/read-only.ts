import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, fchmodSync, fstatSync, openSync, realpathSync } from "node:fs";
import type { Socket } from "node:net";
import { createInterface } from "node:readline";
import { EmberboxError } from "@emberbox/core";
import { requireProgram } from "../qemu.ts";

/**
 * This machine's files through a mount that is read-only. Who is handed a file that was opened here cannot open it
 * anew to write by `/proc/self/fd`, nor change its mode, whoever owns it: for the kernel it is on a read-only disk.
 */
export interface ReadOnlyView {
  /** @throws what opening the file throws, and when it could be opened anew to write all the same */
  open(path: string): number;
}

let shared: Promise<ReadOnlyView> | undefined;

/** One serves the whole program. */
export function readOnlyView(): Promise<ReadOnlyView> {
  shared ??= makeView(() => (shared = undefined)).catch((error: unknown) => {
    shared = undefined;
    throw error;
  });
  return shared;
}

// Mounts belong to a process. This one waits for its input to end, which it does with this program.
const KEEPER = 'echo "$$"; read -r end';

async function makeView(onEnd: () => void): Promise<ReadOnlyView> {
  const keeper = spawn(
    requireProgram("bwrap"),
    [
      ...["--unshare-user", "--unshare-ipc", "--unshare-net", "--unshare-uts"],
      ...["--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL"],
      ...["--ro-bind", "/", "/", "--chdir", "/", "--", "/bin/sh", "-c", KEEPER],
    ],
    { cwd: "/", env: {}, stdio: ["pipe", "pipe", "pipe"] },
  );
  keeper.once("exit", onEnd);
  const pid = await firstLine(keeper);
  // Held open, it cannot come to mean another process's.
  const root = openSync(`/proc/${pid}/root`, constants.O_RDONLY | constants.O_DIRECTORY);
  keeper.once("exit", () => closeSync(root));
  keeper.unref();
  for (const stream of keeper.stdio) (stream as Socket | null)?.unref();
  return { open: (path) => openIn(root, path) };
}

async function firstLine(keeper: ChildProcess): Promise<string> {
  let said = "";
  keeper.stderr!.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-1000);
  });
  keeper.stdin!.on("error", () => {});
  const ended = new Promise<never>((_resolve, reject) => {
    keeper.once("error", reject);
    keeper.once("close", () =>
      reject(
        new EmberboxError("boot_failed", `bubblewrap shows no read-only files: ${said.trim()}`),
      ),
    );
  });
  ended.catch(() => {});
  const lines = createInterface({ input: keeper.stdout! });
  const [pid] = (await Promise.race([once(lines, "line"), ended])) as [string];
  return pid;
}

function openIn(root: number, path: string): number {
  // A link would lead back into this program's own mounts.
  const fd = openSync(`/proc/self/fd/${root}${realpathSync.native(path)}`, constants.O_RDONLY);
  if (isReadOnly(fd)) return fd;
  closeSync(fd);
  throw new EmberboxError("boot_failed", `${path} cannot be handed to QEMU for reading only`, {
    hint: "Its file system was mounted after this program had begun: start the program anew.",
  });
}

/** Asks for the mode that the file has: where the mount refuses that, it does so before anything else is looked at. */
function isReadOnly(fd: number): boolean {
  try {
    fchmodSync(fd, fstatSync(fd).mode & 0o7777);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EROFS";
  }
}
