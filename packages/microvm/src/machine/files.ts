import { constants } from "node:fs";
import { mkdir, readdir, rm, stat, truncate, unlink, writeFile } from "node:fs/promises";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { EmberboxError } from "@emberbox/core";
import { allOpened, chmodFd, chownFd, closeFd, openFd, truncateFd } from "../host/descriptors.ts";
import { JAIL_ID } from "./jail.ts";
import type { OpenFiles } from "./process.ts";
import type { ReadOnlyView } from "./read-only.ts";

/**
 * Opens all files in `paths`, or none. Those that are not `writable` are opened through `view`, so that nobody they are
 * passed to can write to them.
 */
export async function openFiles(
  paths: Partial<Record<keyof OpenFiles, string>>,
  writable: readonly (keyof OpenFiles)[],
  view: ReadOnlyView | undefined,
): Promise<OpenFiles> {
  const names = Object.keys(paths) as (keyof OpenFiles)[];
  const opened = await allOpened(
    names.map((name) =>
      writable.includes(name)
        ? openFd(paths[name]!, constants.O_RDWR | constants.O_NOFOLLOW)
        : openToRead(paths[name]!, view),
    ),
  );
  return Object.fromEntries(names.map((name, index) => [name, opened[index]!]));
}

export const openToRead = (path: string, view: ReadOnlyView | undefined): Promise<number> =>
  view ? view.open(path) : openFd(path, constants.O_RDONLY);

/** Makes an empty file that nobody else may open. */
export const makeEmpty = (path: string): Promise<void> =>
  writeFile(path, "", { flag: "wx", mode: 0o600 });

/** Makes a file of a size that takes no space. */
export const sparse =
  (bytes: number) =>
  async (path: string): Promise<void> => {
    await makeEmpty(path);
    await truncate(path, bytes);
  };

/** Linux's flag for a file without a name, which goes with its last descriptor. */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;
const MEMORY = "/dev/shm";

/** Opens an empty file without a name, in memory; nothing where that is not possible. */
export const openHole = (bytes: number, mode: number): Promise<number | undefined> =>
  openNameless(MEMORY, mode, (fd) => truncateFd(fd, bytes));

async function openNameless(
  directory: string,
  mode: number,
  prepare: (fd: number) => Promise<void>,
): Promise<number | undefined> {
  const fd = await openFd(directory, O_TMPFILE | constants.O_RDWR, mode).catch(() => undefined);
  if (fd === undefined) return undefined;
  try {
    await prepare(fd);
    return fd;
  } catch (error) {
    await closeFd(fd);
    throw error;
  }
}

/**
 * An unnamed file of the machine's own, which is gone when the last process that has it open is. `fill` writes to it by
 * the name that it has at first.
 */
export async function openScratch(
  run: string,
  fill: (path: string) => Promise<void> = makeEmpty,
  access: "rw" | "w" = "rw",
): Promise<number> {
  await mkdir(run, { recursive: true, mode: 0o700 });
  const path = join(run, randomUUID());
  try {
    await fill(path);
    await letJailWrite(path);
    const flags = access === "rw" ? constants.O_RDWR : constants.O_WRONLY;
    return await openFd(path, flags | constants.O_NOFOLLOW);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOSPC") {
      throw new EmberboxError(
        "host_disk_full",
        `there is no space in ${run} for a sandbox's disk`,
        { cause: error },
      );
    }
    throw error;
  } finally {
    await rm(path, { force: true });
  }
}

/** The same, empty, and without ever having a name where that is possible: a machine has many of them. */
export async function openUnnamed(run: string): Promise<number> {
  const fd = await openNameless(run, 0o600, (opened) => giveTo(opened, JAIL_ID));
  return fd ?? openScratch(run);
}

const STALE_MS = 60_000;

/** Removes files whose creator was killed between creating and unlinking them. */
export async function sweepScratch(run: string): Promise<void> {
  for (const name of await readdir(run).catch(() => [])) {
    const path = join(run, name);
    try {
      if (Date.now() - (await stat(path)).mtimeMs > STALE_MS) await unlink(path);
    } catch {
      // Another program removed it.
    }
  }
}

/** A machine that makes a template opens its memory file by name: when we are root, its account needs access. */
export function letJailWrite(path: string): Promise<void> {
  return change(path, 0o600, JAIL_ID);
}

/** From then on nobody writes to it: sandboxes read it, under whatever account. */
export function letJailRead(path: string): Promise<void> {
  return change(path, 0o444, 0);
}

/** Without a jail, QEMU before 8.2 opens the file for writing although it only maps it privately. */
export function letOwnerWrite(path: string): Promise<void> {
  return change(path, 0o644, 0);
}

async function giveTo(fd: number, owner: number): Promise<void> {
  if (process.getuid?.() === 0) await chownFd(fd, owner, owner);
}

/** Never follows a link. */
async function change(path: string, mode: number, owner: number): Promise<void> {
  const fd = await openFd(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    await giveTo(fd, owner);
    await chmodFd(fd, mode);
  } finally {
    await closeFd(fd);
  }
}
