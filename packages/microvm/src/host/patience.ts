import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { EmberboxError } from "@emberbox/core";
import { qemuProcess } from "./qemu-process.ts";

const LOOK_MS = 1000;

/**
 * Settles with `work`, or with what `late` throws when that takes longer than `limitMs`; `work` goes on. The time in
 * which QEMU was ready to run and other programs had the processor does not count, so that a busy machine gets longer.
 * `EMBERBOX_PATIENCE` multiplies the limit, for machines that are slow.
 */
export async function patiently<T>(
  { pid }: { readonly pid: number },
  limitMs: number,
  work: Promise<T>,
  late: () => never,
): Promise<T> {
  const stop = new AbortController();
  const ran = ranFor(pid, limitMs * patience(), stop.signal);
  // Stopped when the race is over.
  ran.catch(() => {});
  try {
    return await Promise.race([work, ran.then(late)]);
  } finally {
    stop.abort();
  }
}

/** Resolves when the process has had `ms` in which nothing kept it from running. */
async function ranFor(pid: number, ms: number, signal: AbortSignal): Promise<void> {
  // Nothing is read before the first look, which most starts do not live to see.
  let waited: ReadonlyMap<string, number> = new Map();
  for (let left = ms; left > 0;) {
    const started = performance.now();
    await sleep(Math.min(LOOK_MS, left), undefined, { ref: false, signal });
    const now = await waiting(pid);
    const passed = performance.now() - started;
    left -= passed - Math.min(passed, longest(waited, now));
    waited = now;
  }
}

/** How long each thread of QEMU has been waiting for a processor since it began, in ms. Empty where nobody counts. */
async function waiting(pid: number): Promise<ReadonlyMap<string, number>> {
  const times = new Map<string, number>();
  try {
    const tasks = `/proc/${(await qemuProcess(pid)) ?? pid}/task`;
    for (const thread of await readdir(tasks)) {
      // https://docs.kernel.org/scheduler/sched-stats.html: time on a processor, time waiting for one, in ns.
      const [, waited] = (await readFile(`${tasks}/${thread}/schedstat`, "utf8")).split(" ");
      times.set(thread, Number(waited) / 1_000_000);
    }
  } catch {
    // A thread or the process has ended.
  }
  return times;
}

function longest(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): number {
  return Math.max(0, ...[...after].map(([thread, ms]) => ms - (before.get(thread) ?? 0)));
}

/** What to do where a machine is too slow for a limit. */
export const PATIENCE_HINT =
  "If this computer is slow, EMBERBOX_PATIENCE=4 in the environment lets it take four times as long.";

/** By how much every limit on a machine's start is multiplied. @throws `invalid_argument` */
export function patience(): number {
  const given = process.env["EMBERBOX_PATIENCE"] || "1";
  const factor = Number(given);
  if (factor >= 1 && factor <= 1000) return factor;
  throw new EmberboxError(
    "invalid_argument",
    `EMBERBOX_PATIENCE must be a number from 1 to 1000, not ${JSON.stringify(given.slice(0, 100))}`,
  );
}
