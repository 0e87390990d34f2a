import { readdirSync, readFileSync } from "node:fs";

export interface HostProcess {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** Processes of this machine, as /proc tells. */
export function hostProcesses(): HostProcess[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
      return [
        {
          pid: Number(pid),
          parent: Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]),
          command,
        },
      ];
    } catch {
      return []; // It ended meanwhile.
    }
  });
}

/** Inner processes of jails that have lost the outer one. */
export function orphanedJails(): HostProcess[] {
  const jails = hostProcesses().filter(
    ({ command }) => /^\S*bwrap /.test(command) && command.includes("name=emberbox"),
  );
  return jails.filter(({ parent }) => parent === 1);
}

/** QEMU processes that descend from a process, itself not among them. */
export function machinesOf(ancestor: number = process.pid): HostProcess[] {
  const all = hostProcesses();
  const parents = new Map(all.map(({ pid, parent }) => [pid, parent]));
  const descends = (pid: number): boolean => {
    for (let at = parents.get(pid); at !== undefined && at > 0; at = parents.get(at))
      if (at === ancestor) return true;
    return false;
  };
  return all.filter(({ pid, command }) => /^\S*qemu-system/.test(command) && descends(pid));
}

/** Also true of one that nobody has asked yet how it ended. */
export function areGone(processes: readonly HostProcess[]): boolean {
  const left = new Set(hostProcesses().flatMap(({ pid, command }) => (command ? [pid] : [])));
  return processes.every(({ pid }) => !left.has(pid));
}

/** Waits until a condition holds; fails when it does not in time. */
export async function eventually(what: string, ms: number, holds: () => boolean): Promise<void> {
  const deadline = Date.now() + ms;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`${what}: not within ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
