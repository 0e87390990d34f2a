import { spawn } from "node:child_process";
import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import { patience, patiently } from "./patience.ts";

afterEach(() => vi.unstubAllEnvs());

const never = new Promise<never>(() => {});

/** A process on the first processor that this one may use. */
function onFirstProcessor(script: string): { readonly pid: number } {
  const first = "$(taskset -cp $$ | sed 's/.*: //; s/[,-].*//')";
  const child = spawn("sh", ["-c", `taskset -cp ${first} $$ >/dev/null; ${script}`]);
  onTestFinished(() => void child.kill("SIGKILL"));
  return { pid: child.pid! };
}

const late = (): never => {
  throw new Error("late");
};

async function msUntilLate(process: { readonly pid: number }, limitMs: number): Promise<number> {
  const started = performance.now();
  await expect(patiently(process, limitMs, never, late)).rejects.toThrow("late");
  return performance.now() - started;
}

const BUSY = "while :; do :; done";

test("a process that others keep from the processor gets longer", async () => {
  const [starved] = Array.from({ length: 4 }, () => onFirstProcessor(BUSY));
  // A quarter of a processor for half a second of it takes two.
  expect(await msUntilLate(starved!, 500)).toBeGreaterThan(1000);
});

test("a process that waits for nobody gets the limit", async () => {
  const limit = 500;
  expect(await msUntilLate(onFirstProcessor("sleep 60"), limit)).toBeGreaterThan(limit - 1);
});

test("a process that is gone gets the limit too", async () => {
  await msUntilLate({ pid: 2 ** 22 + 1 }, 100);
});

test("work that is done in time, and work that fails", async () => {
  await expect(patiently(process, 60_000, Promise.resolve(5), late)).resolves.toBe(5);
  const failing = Promise.reject(new Error("broken"));
  await expect(patiently(process, 60_000, failing, late)).rejects.toThrow("broken");
});

test("EMBERBOX_PATIENCE multiplies the limit", async () => {
  vi.stubEnv("EMBERBOX_PATIENCE", "5");
  expect(await msUntilLate({ pid: 2 ** 22 + 1 }, 100)).toBeGreaterThan(499);
});

test.for(["0", "-1", "soon", "1001", "Infinity"])("EMBERBOX_PATIENCE=%s is refused", (given) => {
  vi.stubEnv("EMBERBOX_PATIENCE", given);
  expect(patience).toThrow(`EMBERBOX_PATIENCE must be a number from 1 to 1000, not "${given}"`);
});
