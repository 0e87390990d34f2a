import { readFileSync } from "node:fs";

const GROUP = "/sys/fs/cgroup/user";

/** How often the machine has ended a process of user code because memory ran out; 0 where it cannot be told. */
export function memoryKills(): number {
  return Number(/^oom_kill (\d+)/m.exec(read("memory.events"))?.[1] ?? 0);
}

/** Memory that user code may take, `MB`. */
export function memoryLimitMB(): number | undefined {
  const limit = Number(read("memory.max"));
  return limit > 0 ? Math.round(limit / (1024 * 1024)) : undefined;
}

function read(name: string): string {
  try {
    return readFileSync(`${GROUP}/${name}`, "utf8");
  } catch {
    return "";
  }
}
