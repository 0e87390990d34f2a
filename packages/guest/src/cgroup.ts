import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  rmdirSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { isFrozen } from "./freezer.ts";

const userDirectory = "/sys/fs/cgroup/user";
const agentDirectory = "/sys/fs/cgroup/agent";

interface Group {
  readonly user: number;
  readonly agent: number;
  readonly events: number;
}

/** `undefined` until first asked for; `null` where these control groups do not exist. */
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
  const group = currentGroup();
  return group === null ? work() : visit(group.user, group.agent, work).result;
}

/** Moves the agent into a group while `work` runs; says whether it came back. */
function visit<T>(there: number, back: number, work: () => T): { result: T; isBack: boolean } {
  if (isFrozen()) return { result: joinAfterwards(there, work), isBack: true };
  let isBack = true;
  const hasLeft = move(there);
  let result: T;
  try {
    result = work();
  } finally {
    isBack = move(back) || !hasLeft;
  }
  return { result, isBack };
}

/** In a frozen group the agent itself would be stopped: what it starts is moved there after it has started. */
function joinAfterwards<T>(there: number, work: () => T): T {
  const before = new Set(ownChildren());
  try {
    return work();
  } finally {
    for (const pid of ownChildren()) if (!before.has(pid)) move(there, pid);
  }
}

function ownChildren(): string[] {
  const list = readFileSync(`/proc/self/task/${process.pid}/children`, "latin1");
  return list.trim().split(" ").filter(Boolean);
}

function move(descriptor: number, pid = "0"): boolean {
  try {
    writeSync(descriptor, pid);
    return true;
  } catch {
    // A user with sudo may have removed the group: commands still have to run.
    return false;
  }
}

/** A control group for one command, within the user's: all that the command starts stays in it. */
export class CommandGroup {
  readonly #directory: string;
  readonly #members: number;
  #isSafe = true;

  constructor(name: string) {
    this.#directory = `${userDirectory}/${name}`;
    mkdirSync(this.#directory);
    this.#members = openSync(`${this.#directory}/cgroup.procs`, "w");
  }

  /** Like `inUserCgroup`. */
  start<T>(work: () => T): T {
    const { result, isBack } = visit(this.#members, currentGroup()!.agent, work);
    this.#isSafe = isBack;
    return result;
  }

  /** Kills every process in it; false when that is not possible. */
  kill(): boolean {
    // The agent must not be among them.
    if (!this.#isSafe) return false;
    try {
      writeFileSync(`${this.#directory}/cgroup.kill`, "1");
      return true;
    } catch {
      return false;
    }
  }

  /** Call it when nothing more will be started in the group. */
  close(): void {
    closeSync(this.#members);
  }

  /** Removes the group if it is empty; what a command left running stays in it. */
  remove(): boolean {
    try {
      rmdirSync(this.#directory);
      return true;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code !== "EBUSY";
    }
  }
}

/** Made ahead, because making one costs more than using it. */
const groupsAhead = 2;
/** How many groups of commands that left something running are checked whenever another is given back. */
const lookedAt = 16;

/** Hands out control groups for commands, and takes them back. */
export class CommandGroups {
  readonly #ahead: CommandGroup[] = [];
  readonly #lingering: CommandGroup[] = [];
  #made = 0;

  /** `undefined` where the user's group does not exist. */
  take(): CommandGroup | undefined {
    return this.#ahead.pop() ?? this.#make();
  }

  giveBack(group: CommandGroup): void {
    group.close();
    this.#lingering.push(group);
    for (const one of this.#lingering.splice(0, lookedAt)) {
      if (!one.remove()) this.#lingering.push(one);
    }
  }

  /** Makes some ahead; call it when there is time. */
  refill(): void {
    while (this.#ahead.length < groupsAhead) {
      const group = this.#make();
      if (group === undefined) return;
      this.#ahead.push(group);
    }
  }

  #make(): CommandGroup | undefined {
    if (currentGroup() === null) return undefined;
    try {
      return new CommandGroup(`command-${this.#made++}`);
    } catch {
      return undefined;
    }
  }
}

const eventsBuffer = Buffer.alloc(512);

/** How many of the user's processes the kernel has killed so far because memory ran out. */
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

/** The limit for all of the user's processes together, in MiB; 0 if there is none. */
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

/** Children inherit the agent's protection from the kernel's out-of-memory killer; this removes it from one. */
export function exposeToOomKiller(pid: number): void {
  if (isProtected === undefined) isProtected = ownOomScore() < 0;
  if (!isProtected) return;
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, "0");
  } catch {
    // It has already ended.
  }
}

function ownOomScore(): number {
  try {
    return Number(readFileSync("/proc/self/oom_score_adj", "latin1"));
  } catch {
    return 0;
  }
}
