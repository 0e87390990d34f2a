import { readFileSync, statfsSync } from "node:fs";
import { availableParallelism } from "node:os";

/** The body of `GET /metrics`; sizes in bytes unless the name says otherwise. */
export interface Metrics {
  readonly ts: number;
  readonly cpu_count: number;
  readonly cpu_used_pct: number;
  readonly mem_total: number;
  readonly mem_used: number;
  readonly mem_cache: number;
  readonly mem_total_mib: number;
  readonly mem_used_mib: number;
  readonly disk_used: number;
  readonly disk_total: number;
}

export interface CpuTimes {
  readonly busy: number;
  readonly total: number;
}

/** The processors' time so far, from the text of `/proc/stat`. */
export function parseCpuTimes(text: string): CpuTimes {
  const [user = 0, nice = 0, system = 0, idle = 0, wait = 0, ...others] = text
    .slice(0, text.indexOf("\n"))
    .split(/\s+/)
    .slice(1, 9)
    .map(Number);
  const busy = [user, nice, system, ...others].reduce((sum, time) => sum + time, 0);
  return { busy, total: busy + idle + wait };
}

/** Sizes in bytes by name, from the text of `/proc/meminfo`. */
export function parseMemoryInfo(text: string): Record<string, number> {
  const sizes: Record<string, number> = {};
  for (const [, name, kib] of text.matchAll(/^(\w+): +(\d+) kB$/gm))
    sizes[name!] = Number(kib) * 1024;
  return sizes;
}

/** Below this much processor time, in hundredths of a second, a share would be noise. */
const minTicks = 10;

/** Returns a function that measures; the processor's share is that since the previous measurement. */
export function createMeter(): () => Metrics {
  let before: CpuTimes = { busy: 0, total: 0 };
  let percent = 0;
  return () => {
    const times = parseCpuTimes(readFileSync("/proc/stat", "latin1"));
    const elapsed = times.total - before.total;
    if (elapsed >= minTicks || elapsed < 0) {
      percent = elapsed < 0 ? 0 : Math.round(((times.busy - before.busy) / elapsed) * 10_000) / 100;
      before = times;
    }
    const {
      MemTotal = 0,
      MemAvailable = 0,
      Cached = 0,
    } = parseMemoryInfo(readFileSync("/proc/meminfo", "latin1"));
    const disk = statfsSync("/");
    const used = MemTotal - MemAvailable;
    return {
      ts: Math.floor(Date.now() / 1000),
      cpu_count: availableParallelism(),
      cpu_used_pct: percent,
      mem_total: MemTotal,
      mem_used: used,
      mem_cache: Cached,
      mem_total_mib: Math.floor(MemTotal / 1048576),
      mem_used_mib: Math.floor(used / 1048576),
      disk_used: (disk.blocks - disk.bfree) * disk.bsize,
      disk_total: disk.blocks * disk.bsize,
    };
  };
}
