import { readFileSync } from "node:fs";
import { ApiError } from "./api-error.ts";

const MIB = 1024 * 1024;
/** When to ask again: a sandbox may end at any time. */
const RETRY_AFTER_SECONDS = 1;
/** What a sandbox is assumed to need if nothing is known. */
export const USUAL_MB = 1024;

const FULL = "this server has no room for more sandboxes at the moment";

export interface Limits {
  readonly maxSandboxes?: number | undefined;
  readonly memoryMB?: number | undefined;
  readonly reserveMB: number;
  /** Several tenants share the server, so they are not told how much the others use. */
  readonly isShared?: boolean | undefined;
}

/** Decides whether there is room for more sandboxes. */
export interface Admission {
  /** Runs `work`, which starts `count` sandboxes. @throws 429 when there is no room */
  admit<T>(count: number, work: () => Promise<T>): Promise<T>;
}

/**
 * `running` returns how many are running; room is the memory that the host has left, less what starting ones will take.
 */
export function createAdmission(
  limits: Limits,
  running: () => Promise<number>,
  availableBytes: () => number = readAvailable,
): Admission {
  let beginning = 0;
  const needed = (limits.memoryMB ?? USUAL_MB) * MIB;
  return {
    async admit(count, work) {
      beginning += count;
      // Those that come later do not count against this one.
      const mine = beginning;
      try {
        const { maxSandboxes } = limits;
        if (maxSandboxes !== undefined && (await running()) + mine > maxSandboxes) {
          throw refusal(
            limits.isShared
              ? FULL
              : `you have reached the maximum number of sandboxes: ${maxSandboxes}`,
          );
        }
        const left = availableBytes() - limits.reserveMB * MIB;
        if (left < mine * needed)
          throw refusal(
            limits.isShared
              ? FULL
              : `this machine has ${Math.max(0, Math.floor(left / MIB))} MiB of memory left for sandboxes, and each takes up to ${needed / MIB} MiB`,
          );
        return await work();
      } finally {
        beginning -= count;
      }
    },
  };
}

function refusal(message: string): ApiError {
  return new ApiError(429, message, RETRY_AFTER_SECONDS);
}

function readAvailable(): number {
  const kilobytes = /^MemAvailable:\s+(\d+) kB/m.exec(readFileSync("/proc/meminfo", "utf8"))?.[1];
  return kilobytes === undefined ? Infinity : Number(kilobytes) * 1024;
}
