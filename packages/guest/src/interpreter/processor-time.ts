import { readdirSync, readFileSync } from "node:fs";
import { ForkedKernel } from "./forked-kernel.ts";

/** More threads than this are not looked at. */
const MAX_THREADS = 1000;
/** It looks every second for ended children that nobody else waits for. */
const INIT = 1;

/**
 * What each thread of the machine's programs has had of the processor, in nanoseconds, by its number: equal texts mean
 * that none ran in between. Init and the agent are left out, and so are kernels that have run no code yet. `undefined` when there
 * are too many threads.
 */
export function processorTimes(): string | undefined {
  const times: string[] = [];
  const left = new Set([INIT, process.pid, ...ForkedKernel.unused]);
  // All programs descend from the first; what does not is the kernel's own.
  const processes = [INIT];
  for (const pid of processes) {
    try {
      for (const thread of readdirSync(`/proc/${pid}/task`)) {
        const at = `/proc/${pid}/task/${thread}`;
        if (times.length > MAX_THREADS || processes.length > MAX_THREADS) return undefined;
        if (!left.has(pid))
          times.push(`${thread}:${readFileSync(`${at}/schedstat`, "latin1").split(" ", 1)[0]}`);
        const children = readFileSync(`${at}/children`, "latin1").split(" ");
        processes.push(...children.map(Number).filter((child) => child > 0));
      }
    } catch {
      // It has ended: that also counts.
      times.push(`${pid}:ended`);
    }
  }
  return times.join("\n");
}
