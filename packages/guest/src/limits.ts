import { mkdirSync, readFileSync, writeFileSync } from "node:fs";

const CGROUPS = "/sys/fs/cgroup";
/**
 * What the agent and the kernel may come to need beyond what the agent has, in bytes. With too little of it, code that
 * fills its memory makes everyone read their programs' pages again and again, for minutes, before any limit is met.
 */
const SPARE_BYTES = 96 * 1024 * 1024;
/** A small machine cannot give as much: at most this share of its memory. */
const SPARE_SHARE = 1 / 8;
/** What the kernel keeps free for itself, in KiB. Because of huge pages it would be 44 MiB of 1 GiB. */
const MIN_FREE_KIB = 8192;
/** Most processes and threads of user code at once. */
const MAX_TASKS = 4096;

/** Puts the agent and user code into separate control groups. */
export function separateUserCode(): void {
  for (const group of ["agent", "user"]) mkdirSync(`${CGROUPS}/${group}`, { recursive: true });
  writeFileSync(`${CGROUPS}/agent/cgroup.procs`, "0");
  writeFileSync(`${CGROUPS}/cgroup.subtree_control`, "+memory +pids +cpu");
  writeFileSync(`${CGROUPS}/agent/cpu.weight`, "10000");
  writeFileSync(`${CGROUPS}/user/pids.max`, String(MAX_TASKS));
}

/**
 * Limits user code to the memory that the agent leaves, so that the agent survives when user code runs out. Call it
 * when the agent has loaded everything: the libraries that every kernel shares are charged to it.
 */
export function limitUserMemory(): void {
  const total =
    Number(/MemTotal:\s+(\d+) kB/.exec(readFileSync("/proc/meminfo", "utf8"))?.[1] ?? 0) * 1024;
  const spare = Math.min(SPARE_BYTES, Math.floor(total * SPARE_SHARE));
  const held = Number(readFileSync(`${CGROUPS}/agent/memory.current`, "utf8"));
  writeFileSync(`${CGROUPS}/agent/memory.low`, String(held));
  writeFileSync("/proc/sys/vm/min_free_kbytes", String(MIN_FREE_KIB));
  writeFileSync(`${CGROUPS}/user/memory.max`, String(total - held - spare));
}
