import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { constants, openSync } from "node:fs";
import { realpath } from "node:fs/promises";
import type { Socket } from "node:net";
import { createInterface } from "node:readline";
import { EmberboxError } from "@emberbox/core";
import { background, warning } from "@emberbox/core/background";
import { SharedWork } from "@emberbox/core/concurrency";
import { chmodFd, closeFd, openFd, statFd } from "../host/descriptors.ts";
import { jailAdvice } from "../host/namespaces.ts";
import { requireProgram } from "../host/programs.ts";

/**
 * This machine's files through a read-only mount. A process that is handed a file opened here cannot reopen it for
 * writing through `/proc/self/fd`, nor change its mode, whoever owns it: to the kernel it is on a read-only disk.
 */
export interface ReadOnlyView {
  /** Rejects with what opening the file throws, and when it could still be reopened for writing. */
  open(path: string): Promise<number>;
}

const VIEW = "view";
const views = new SharedWork<ReadOnlyView>();

/** One serves the whole program. */
export function readOnlyView(): Promise<ReadOnlyView> {
  return views.get(VIEW, () => makeView(() => views.forget(VIEW)));
}

// Mounts belong to a process. This one waits for its input to end, which happens when this program does.
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
  // Kept open, so that it cannot come to mean another process's root when the pid is reused; and opened at once, for
  // the same reason.
  const root = openSync(`/proc/${pid}/root`, constants.O_RDONLY | constants.O_DIRECTORY);
  keeper.once("exit", () => background(closeFd(root), warning("Closing a mount")));
  keeper.unref();
  // Bun's have no `unref`, and need none.
  for (const stream of keeper.stdio) (stream as Partial<Socket> | null)?.unref?.();
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
        new EmberboxError("boot_failed", `bubblewrap does not build the jail: ${said.trim()}`, {
          hint: jailAdvice(),
        }),
      ),
    );
  });
  ended.catch(() => {});
  const lines = createInterface({ input: keeper.stdout! });
  const [pid] = (await Promise.race([once(lines, "line"), ended])) as [string];
  return pid;
}

async function openIn(root: number, path: string): Promise<number> {
  // A link would lead back into this program's own mounts.
  const fd = await openFd(`/proc/self/fd/${root}${await realpath(path)}`, constants.O_RDONLY);
  if (await isReadOnly(fd)) return fd;
  await closeFd(fd);
  throw new EmberboxError("boot_failed", `${path} cannot be handed to QEMU for reading only`, {
    hint: "Its file system was mounted after this program had begun: start the program anew.",
  });
}

/** Sets the mode that the file has already: a read-only mount refuses that before anything else is checked. */
async function isReadOnly(fd: number): Promise<boolean> {
  try {
    await chmodFd(fd, (await statFd(fd)).mode & 0o7777);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EROFS";
  }
}
