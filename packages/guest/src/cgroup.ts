import { closeSync, openSync, readFileSync, readSync, writeFileSync, writeSync } from "node:fs";

const userDirectory = "/sys/fs/cgroup/user";
const agentDirectory = "/sys/fs/cgroup/agent";

interface Group {
  readonly user: number;
  readonly agent: number;
  readonly events: number;
}

/** Undefined until first asked for, null where these control groups do not exist. */
let group: Group | null | undefined;

function openGroup(): Group | null {
  const opened: number[] = [];
  const open = (path: string, flags: "r" | "w"): number => {
    const descriptor = openSync(path, flags);
    opened.push(descriptor);
    return descriptor;
  };
  try {
    return {
      user: open(`${userDirectory}/cgroup.procs`, "w"),
      agent: open(`${agentDirectory}/cgroup.procs`, "w"),
      events: open(`${userDirectory}/memory.events`, "r"),
    };
  } catch {
    for (const descriptor of opened) closeSync(descriptor);
    return null;
  }
}

function currentGroup(): Group | null {
  if (group === undefined) group = openGroup();
  return group;
}

/**
 * Runs `work`, which starts a process, so that the process is born in the limited group of the
 * user's processes. Node cannot choose a child's group, so the agent steps in and out of it itself;
 * `work` must therefore be synchronous.
 */
export function inUserCgroup<T>(work: () => T): T {
  const { user, agent } = currentGroup() ?? {};
  if (user === undefined || agent === undefined) return work();
  move(user);
  try {
    return work();
  } finally {
    move(agent);
  }
}

function move(descriptor: number): void {
  try {
    writeSync(descriptor, "0");
  } catch {
    // A user with sudo may have removed the group: commands still have to run.
  }
}

const eventsBuffer = Buffer.alloc(512);

/** How many processes of the user the kernel has killed for want of memory so far. */
export function oomKills(): number {
  const events = currentGroup()?.events;
  if (events === undefined) return 0;
  try {
    const length = readSync(events, eventsBuffer, 0, eventsBuffer.length, 0);
    const match = /^oom_kill (\d+)$/m.exec(eventsBuffer.toString("latin1", 0, length));
    return match ? Number(match[1]) : 0;
  } catch {
    return 0;
  }
}

/** The limit for all of the user's processes together, in MiB; 0 when there is none. */
export function memoryLimitMB(): number {
  if (currentGroup() === null) return 0;
  try {
    const bytes = Number(readFileSync(`${userDirectory}/memory.max`, "latin1"));
    return Number.isFinite(bytes) ? Math.round(bytes / 1048576) : 0;
  } catch {
    return 0;
  }
}

let isProtected: boolean | undefined;

/** Children inherit the agent's protection from the kernel's out-of-memory killer; takes it away from one. */
export function exposeToOomKiller(pid: number): void {
  if (isProtected === undefined) isProtected = ownOomScore() < 0;
  if (!isProtected) return;
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, "0");
  } catch {
    // It has ended already.
  }
}

function ownOomScore(): number {
  try {
    return Number(readFileSync("/proc/self/oom_score_adj", "latin1"));
  } catch {
    return 0;
  }
}
