import crypto, { type RandomUUIDOptions } from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import v8 from "node:v8";
import vm from "node:vm";
import { native } from "../native.ts";

let poll: (() => number) | undefined;
/** The generator's state, once there is one. */
let [a, b, c, counter] = [0, 0, 0, 1];

/** Keeps Node from drawing random numbers in advance, which copies of this process would share. */
export function drawNoneAhead(): void {
  const uuid = crypto.randomUUID;
  const randomUUID = (options?: RandomUUIDOptions): crypto.UUID =>
    uuid({ ...options, disableEntropyCache: true });
  Object.assign(crypto, { randomUUID, randomInt });
  const prototype = Object.getPrototypeOf(crypto.webcrypto) as object;
  Object.defineProperty(prototype, "randomUUID", {
    value: () => randomUUID(),
    writable: true,
    configurable: true,
  });
  seedContexts();
  syncBuiltinESMExports();
}

type Make = (this: unknown, ...values: never[]) => unknown;

/** V8 seeds each new context's `Math.random` from a generator that copies of this process share. */
function seedContexts(): void {
  const { createContext, runInNewContext, runInContext, Script } = vm;
  const seeded = (make: Make): Make =>
    function (...values) {
      v8.setFlagsFromString(
        `--random-seed=${crypto.randomBytes(4).readUInt32LE() & 0x7fffffff || 1}`,
      );
      try {
        return Reflect.apply(make, this, values);
      } finally {
        v8.setFlagsFromString("--random-seed=0");
      }
    };
  Object.assign(vm, {
    createContext: seeded((...values) => {
      const context = Reflect.apply(createContext, vm, values);
      // A context is seeded on its first draw.
      runInContext("void Math.random()", context);
      return context;
    }),
    runInNewContext: seeded(runInNewContext as Make),
  });
  const prototype = Script.prototype as { runInNewContext: unknown };
  prototype.runInNewContext = seeded(prototype.runInNewContext as Make);
}

/**
 * Gives this process, which may be a copy, random numbers of its own. OpenSSL takes new entropy from the kernel; V8
 * cannot be told to, so `Math.random` is replaced.
 */
export function reseed(): void {
  poll ??= loadPoll();
  if (poll() !== 1) throw new Error("OpenSSL got no entropy");
  const seeds = crypto.getRandomValues(new Int32Array(4));
  [a, b, c, counter] = seeds as unknown as [number, number, number, number];
  Math.random = random;
}

/** OpenSSL is part of Node's program, but Node offers no way to call this function of it. */
function loadPoll(): () => number {
  return native().load(null).func("int RAND_poll()") as () => number;
}

/** Chris Doty-Humphrey's sfc32, which passes PractRand; 53 bits. */
const random = {
  random(): number {
    return ((next() >>> 5) * 67108864 + (next() >>> 6)) / 9007199254740992;
  },
}.random;

function next(): number {
  const sum = (((a + b) | 0) + counter) | 0;
  counter = (counter + 1) | 0;
  a = b ^ (b >>> 9);
  b = (c + (c << 3)) | 0;
  c = ((c << 21) | (c >>> 11)) + sum;
  c |= 0;
  return sum;
}

type IntCallback = (error: Error | null, value?: number) => void;

/** Like Node's, but without its store of random bytes. */
function randomInt(
  first: number,
  second?: number | IntCallback,
  callback?: IntCallback,
): number | undefined {
  const hasMinimum = typeof second === "number";
  const minimum = hasMinimum ? first : 0;
  const range = (hasMinimum ? second : first) - minimum;
  const answer = hasMinimum ? callback : second;
  if (!Number.isSafeInteger(minimum)) throw new TypeError("The minimum must be a safe integer");
  if (!Number.isSafeInteger(minimum + range))
    throw new TypeError("The maximum must be a safe integer");
  if (!(range > 0 && range < 2 ** 48))
    throw new RangeError("The range must be above 0 and below 2 ** 48");
  const limit = 2 ** 48 - (2 ** 48 % range);
  let drawn: number;
  do drawn = crypto.randomBytes(6).readUIntBE(0, 6);
  while (drawn >= limit);
  const value = minimum + (drawn % range);
  if (answer === undefined) return value;
  process.nextTick(answer, null, value);
  return undefined;
}
