import { openSync } from "node:fs";
import type { Thaw } from "@emberbox/wire";
import { native } from "./native.ts";

// From linux/time.h and linux/random.h.
const CLOCK_REALTIME = 0;
const RNDADDENTROPY = 0x40085203;
const RNDRESEEDCRNG = 0x5207;

interface Calls {
  settime(clock: number, time: Buffer): number;
  ioctl(file: number, request: number, argument: Buffer | null): number;
}

let calls: Calls | undefined;
let random: number | undefined;

/**
 * Sets the machine's clock and its kernel's randomness right: a restored machine has those of the moment when it was
 * saved, and all of its copies have the same. Node has no calls for that.
 *
 * @throws Error when the kernel refuses.
 */
export function setClockAndRandomness({ timeMs, entropy }: Thaw): void {
  calls ??= loadCalls();
  random ??= openSync("/dev/urandom", "r+");
  const time = Buffer.alloc(16);
  time.writeBigInt64LE(BigInt(Math.floor(timeMs / 1000)));
  time.writeBigInt64LE(BigInt(Math.round((timeMs % 1000) * 1e6)), 8);
  demand(calls.settime(CLOCK_REALTIME, time), "the clock cannot be set");
  const bytes = Buffer.from(entropy, "hex");
  // A `struct rand_pool_info`.
  const pool = Buffer.alloc(8 + bytes.length);
  pool.writeInt32LE(bytes.length * 8);
  pool.writeInt32LE(bytes.length, 4);
  bytes.copy(pool, 8);
  demand(calls.ioctl(random, RNDADDENTROPY, pool), "the kernel takes no entropy");
  demand(calls.ioctl(random, RNDRESEEDCRNG, null), "the kernel does not use its new entropy");
}

function loadCalls(): Calls {
  const library = native().load(null);
  return {
    settime: library.func("int clock_settime(int clock, const void *time)") as never,
    ioctl: library.func("int ioctl(int file, unsigned long request, void *argument)") as never,
  };
}

function demand(result: number, problem: string): void {
  if (result !== 0) throw new Error(`${problem} (${native().errno()})`);
}
