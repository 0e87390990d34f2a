import { readdirSync, readFileSync } from "node:fs";

/** The processes that this one started, and those that they started. */
export function descendants(ancestor: number = process.pid): number[] {
  const pids = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  const parents = new Map(pids.map((pid) => [pid, Number(statFields(pid)[1])]));
  const below = (pid: number): boolean => {
    const parent = parents.get(pid);
    return parent !== undefined && (parent === ancestor || below(parent));
  };
  return pids.filter(below);
}

/** Of what `cpuTicks` counts; Linux says so to every program, on every processor. */
export const TICKS_PER_SECOND = 100;

/** Processor time of a process so far, in hundredths of a second. */
function cpuTicks(pid: number): number {
  const fields = statFields(pid);
  return Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
}

/** Of all of them together. */
export function allTicks(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + cpuTicks(pid), 0);
}

/** Memory of a process in bytes; shared memory counts proportionally. */
export function proportionalSetSize(pid: number): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  return Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1]) * 1024;
}

/** The fields of /proc/<pid>/stat after the name, starting with the state; none when the process has ended. */
function statFields(pid: number): string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return [];
  }
}
