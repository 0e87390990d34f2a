import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  copyFileSync,
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
import type { OpenFiles } from "./machine.ts";

/** Opens what `paths` names, or nothing: a file that cannot be opened closes the others. */
export function openFiles(
  paths: Partial<Record<keyof OpenFiles, string>>,
  writable: readonly (keyof OpenFiles)[],
): OpenFiles {
  const files: OpenFiles = {};
  try {
    for (const [name, path] of Object.entries(paths) as [keyof OpenFiles, string][]) {
      files[name] = openSync(path, writable.includes(name) ? constants.O_RDWR : constants.O_RDONLY);
    }
    return files;
  } catch (error) {
    for (const fd of Object.values(files)) closeSync(fd);
    throw error;
  }
}

/** A private copy of an empty overlay, without a name: it is gone when the last process that has it open is. */
export function openOverlay(empty: string, run: string): number {
  mkdirSync(run, { recursive: true, mode: 0o700 });
  const path = join(run, `${randomUUID()}.qcow2`);
  try {
    copyFileSync(empty, path);
    return openSync(path, constants.O_RDWR);
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

/** Removes overlays whose creator was killed between making and unnaming them. */
export function sweepOverlays(run: string): void {
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
      // Somebody else swept it.
    }
  }
}

/** QEMU opens its memory file by name and to write, even to map it privately: as root, its account must be let. */
export function letJailWrite(path: string): void {
  chmodSync(path, 0o600);
  if (process.getuid?.() === 0) chownSync(path, JAIL_ID, JAIL_ID);
}

function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
