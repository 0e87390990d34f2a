import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  mkdirSync,
  openSync,
  readdirSync,
  statSync,
  unlinkSync,
} from "node:fs";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { EmberboxError } from "@emberbox/core";
import { JAIL_ID } from "./jail.ts";
import type { OpenFiles } from "./process.ts";
import type { ReadOnlyView } from "./read-only.ts";

/**
 * Opens all files in `paths`, or none: if one cannot be opened, the others are closed. Those that are not `writable`
 * are opened through `view`, so that nobody they are passed to can write to them.
 */
export function openFiles(
  paths: Partial<Record<keyof OpenFiles, string>>,
  writable: readonly (keyof OpenFiles)[],
  view: ReadOnlyView | undefined,
): OpenFiles {
  const files: OpenFiles = {};
  try {
    for (const [name, path] of Object.entries(paths) as [keyof OpenFiles, string][])
      files[name] = writable.includes(name)
        ? openSync(path, constants.O_RDWR | constants.O_NOFOLLOW)
        : openToRead(path, view);
    return files;
  } catch (error) {
    for (const fd of Object.values(files)) closeSync(fd);
    throw error;
  }
}

export const openToRead = (path: string, view: ReadOnlyView | undefined): number =>
  view ? view.open(path) : openSync(path, constants.O_RDONLY);

/**
 * An unnamed file of the machine's own, which is gone when the last process that has it open is. `fill` writes to it by
 * the name that it has at first.
 */
export function openScratch(
  run: string,
  fill: (path: string) => void = (path) => closeSync(openSync(path, "wx", 0o600)),
  access: "rw" | "w" = "rw",
): number {
  mkdirSync(run, { recursive: true, mode: 0o700 });
  const path = join(run, randomUUID());
  try {
    fill(path);
    letJailWrite(path);
    const flags = access === "rw" ? constants.O_RDWR : constants.O_WRONLY;
    return openSync(path, flags | constants.O_NOFOLLOW);
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
    removeFile(path);
  }
}

const STALE_MS = 60_000;

/** Removes files whose creator was killed between creating and unlinking them. */
export function sweepScratch(run: string): void {
  let names: string[];
  try {
    names = readdirSync(run);
  } catch {
    return;
  }
  for (const name of names) {
    const path = join(run, name);
    try {
      if (Date.now() - statSync(path).mtimeMs > STALE_MS) removeFile(path);
    } catch {
      // Another program removed it.
    }
  }
}

/** A machine that makes a template opens its memory file by name: when we are root, its account needs access. */
export function letJailWrite(path: string): void {
  change(path, 0o600, JAIL_ID);
}

/** From then on nobody writes to it: sandboxes read it, under whatever account. */
export function letJailRead(path: string): void {
  change(path, 0o444, 0);
}

/** Without a jail, QEMU before 8.2 opens the file for writing although it only maps it privately. */
export function letOwnerWrite(path: string): void {
  change(path, 0o644, 0);
}

/** Never follows a link. */
function change(path: string, mode: number, owner: number): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    if (process.getuid?.() === 0) fchownSync(fd, owner, owner);
    fchmodSync(fd, mode);
  } finally {
    closeSync(fd);
  }
}

function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
