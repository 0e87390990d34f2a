import { mkdirSync, readFileSync, writeFileSync } from "node:fs";

const CGROUPS = "/sys/fs/cgroup";
/** Memory that user code may not take, so that the agent lives on when user code runs out, `bytes`. */
const RESERVED_BYTES = 96 * 1024 * 1024;
/** Processes and threads of user code at once. */
const MAX_TASKS = 4096;

/** Puts the agent and user code into control groups of their own, and limits the latter. */
export function limitUserCode(): void {
  const total = Number(/MemTotal:\s+(\d+) kB/.exec(readFileSync("/proc/meminfo", "utf8"))?.[1] ?? 0) * 1024;
  for (const group of ["agent", "user"]) mkdirSync(`${CGROUPS}/${group}`, { recursive: true });
  writeFileSync(`${CGROUPS}/agent/cgroup.procs`, "0");
  writeFileSync(`${CGROUPS}/cgroup.subtree_control`, "+memory +pids +cpu");
  writeFileSync(`${CGROUPS}/agent/cpu.weight`, "10000");
  writeFileSync(`${CGROUPS}/agent/memory.low`, "max");
  writeFileSync(`${CGROUPS}/user/memory.max`, String(total - RESERVED_BYTES));
  writeFileSync(`${CGROUPS}/user/pids.max`, String(MAX_TASKS));
}
