import { readdirSync, readFileSync } from "node:fs";
import { ForkedKernel } from "./forked-kernel.ts";

/** More threads than this are not looked at. */
const MAX_THREADS = 500;
const INIT = 1;

interface Waits {
  /** System calls that wait until something comes. */
  readonly forever: readonly number[];
  /** Those that may wait for a time, and which argument says so. */
  readonly timed: Readonly<Record<number, number>>;
}

/** By the kernel's numbers: read, recvfrom, recvmsg, accept, wait and the like; poll, select, epoll and futex. */
const waits: Partial<Record<NodeJS.Architecture, Waits>> = {
  x64: {
    forever: [0, 43, 45, 47, 61, 247, 288, 34, 130],
    timed: { 7: 2, 23: 4, 202: 3, 232: 3, 270: 4, 271: 2, 281: 3 },
  },
  arm64: {
    forever: [63, 202, 207, 212, 242, 260, 95, 133],
    timed: { 22: 3, 72: 4, 73: 2, 98: 3 },
  },
};
/**
 * What a thread of x64 that was frozen in `poll` is in afterwards, with the same arguments: so are those that waited for
 * a time, but their third argument is not 64 bits of ones.
 */
const RESTARTED = /^219(?= 0x[0-9a-f]+ 0x[0-9a-f]+ 0xf{16} )/;
const POLL = "7";
/** No pointer to a time, or -1 milliseconds. */
const NO_TIME = /^0x(?:0|f{8}|f{16})$/;

/**
 * Where each thread of the machine's programs waits, if all of them do so until something comes to them: nothing happens
 * in the machine before that. `undefined` when one runs or waits for a time. The agent and init are left out, and so are
 * kernels that have run no code yet.
 */
export function whereAllWait(): string | undefined {
  const known = waits[process.arch];
  if (known === undefined) return undefined;
  const found: string[] = [];
  const left = new Set([INIT, process.pid, ...ForkedKernel.unused]);
  // All programs descend from the first; what does not is the kernel's own.
  const processes = [INIT];
  try {
    for (const pid of processes)
      for (const thread of readdirSync(`/proc/${pid}/task`)) {
        const at = `/proc/${pid}/task/${thread}`;
        const children = readFileSync(`${at}/children`, "latin1").split(" ");
        processes.push(...children.map(Number).filter((child) => child > 0));
        if (found.length + processes.length > MAX_THREADS) return undefined;
        if (left.has(pid)) continue;
        const call = readFileSync(`${at}/syscall`, "latin1").trim().replace(RESTARTED, POLL);
        if (!waitsForever(call.split(" "), known)) return undefined;
        found.push(`${thread} ${call}`);
      }
  } catch {
    // One ended meanwhile, or may not be looked at.
    return undefined;
  }
  return found.join("\n");
}

/** `running` and `-1` are no numbers of calls that wait. */
function waitsForever([call, ...given]: string[], { forever, timed }: Waits): boolean {
  const number = Number(call);
  if (forever.includes(number)) return true;
  const time = timed[number];
  return time !== undefined && NO_TIME.test(given[time] ?? "");
}
