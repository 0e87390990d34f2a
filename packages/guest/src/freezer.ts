import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { native } from "./native.ts";

const GROUP = "/sys/fs/cgroup/user";
/** A process that waits for the disk cannot be stopped; no longer than this is it waited for, in ms. */
const PATIENCE_MS = 2000;

let frozen = false;

export function isFrozen(): boolean {
  return frozen;
}

/**
 * Stops the user's processes where they are, so that in a copy of the machine none of them runs before the clock and
 * randomness have been corrected.
 */
export async function freezeUserCode(): Promise<void> {
  if (!setFreeze("1")) return;
  frozen = true;
  const deadline = performance.now() + PATIENCE_MS;
  while (!areAllFrozen() && performance.now() < deadline) await sleep(1);
}

export function thawUserCode(): void {
  if (!frozen) return;
  frozen = false;
  setFreeze("0");
}

interface Sync {
  /** Calls it on another thread. */
  async(done: () => void): void;
}

let sync: Sync | undefined;

/** Waits until everything written is on the disk. To start a program for that would take longer. */
export function syncDisks(): Promise<void> {
  const call = (sync ??= native().load(null).func("void sync()") as never);
  return new Promise((resolve) => call.async(resolve));
}

/** False where the group is not there: a user with sudo may have removed it. */
function setFreeze(value: string): boolean {
  try {
    writeFileSync(`${GROUP}/cgroup.freeze`, value);
    return true;
  } catch {
    return false;
  }
}

function areAllFrozen(): boolean {
  return readFileSync(`${GROUP}/cgroup.events`, "latin1").includes("frozen 1");
}
