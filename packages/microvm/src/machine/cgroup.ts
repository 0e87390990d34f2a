import { accessSync, constants, open, readFileSync, writeFileSync } from "node:fs";
import { mkdir, readdir, rmdir, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { promisify } from "node:util";
import { type MachineSize, ownMemoryMB } from "./limits.ts";

/** A directory on the host in which this program may make control groups (version 2). */
export interface CgroupParent {
  readonly path: string;
  readonly controllers: readonly string[];
}

export interface NoCgroups {
  readonly missing: string;
  readonly advice: string;
}

/** A machine's control group. */
export interface Cgroup {
  /**
   * Its `cgroup.procs`, open for writing. The kernel checks the rights of whoever opened it, so QEMU's account may
   * write to it.
   */
  readonly procs: number;
  /** Removes it once its processes have ended. */
  remove(): Promise<void>;
}

const PREFIX = "emberbox-";
const NEEDED = ["memory", "pids"];
const WANTED = [...NEEDED, "cpu", "io"];

/**
 * The nearest place, upwards from this program's own group, where groups can be made and limited; or why there is none.
 * Synchronous: it is looked for once, when the engine opens.
 */
export function findCgroupParent(proc = "/proc/self"): CgroupParent | NoCgroups {
  const mount = / - cgroup2 /;
  const line = read(join(proc, "mountinfo"))
    .split("\n")
    .find((each) => mount.test(each));
  const own = /^0::(\/.*)$/m.exec(read(join(proc, "cgroup")))?.[1];
  if (line === undefined || own === undefined)
    return { missing: "this machine has no control groups of version 2", advice: UNIFIED };
  const root = line.split(" ")[4]!;
  const top = join(root, relative(line.split(" ")[3]!, own));
  const unlimited: string[] = [];
  // Except at the root, a group with processes cannot have limited children: so go beside this program's own group.
  for (let path = top === root ? root : dirname(top); path.startsWith(root); path = dirname(path)) {
    if (mayWrite(path) && mayWrite(join(path, "cgroup.procs"))) {
      const controllers = enable(path);
      if (NEEDED.every((name) => controllers.includes(name))) return { path, controllers };
      unlimited.push(path);
    }
    if (path === root) break;
  }
  return unlimited.length > 0
    ? {
        missing: `no memory and pids controllers for groups in ${unlimited.join(", ")}`,
        advice: UNIFIED,
      }
    : { missing: `this user may make no control groups in or above ${top}`, advice: DELEGATE };
}

const UNIFIED = "boot the machine with `systemd.unified_cgroup_hierarchy=1`";
const DELEGATE =
  "run the program with `systemd-run --user --scope -p Delegate=yes`, or as a service with `Delegate=yes`";

/** The controllers available to the groups in a directory, after enabling all that may be enabled. */
function enable(path: string): string[] {
  const list = (name: string): string[] => read(join(path, name)).trim().split(/\s+/);
  const available = list("cgroup.controllers");
  for (const name of WANTED) {
    if (!available.includes(name) || list("cgroup.subtree_control").includes(name)) continue;
    try {
      writeFileSync(join(path, "cgroup.subtree_control"), `+${name}`);
    } catch {
      // Not ours to enable; the others are used.
    }
  }
  return list("cgroup.subtree_control");
}

let made = 0;

/** Makes a group with limits for one machine. */
export async function makeCgroup(parent: CgroupParent, size: MachineSize): Promise<Cgroup> {
  const path = join(parent.path, `${PREFIX}${process.pid}-${made++}`);
  await mkdir(path);
  try {
    for (const [file, value] of Object.entries(settings(size)))
      if (parent.controllers.includes(file.split(".")[0]!)) await set(path, file, value);
    const procs = await promisify(open)(join(path, "cgroup.procs"), "w");
    return { procs, remove: () => remove(path) };
  } catch (error) {
    await rmdir(path);
    throw error;
  }
}

/** Threads: QEMU's own, one per processor, and at most 64 that read and write files. */
const THREADS = 128;
const PERIOD_US = 100_000;

function settings(size: MachineSize): Record<string, string> {
  return {
    "memory.max": String((size.memoryMB + ownMemoryMB(size)) * 1024 * 1024),
    "memory.oom.group": "1",
    "pids.max": String(size.cpuCount + THREADS),
    // QEMU's devices work beside the machine's processors.
    "cpu.max": `${(size.cpuCount + 1) * PERIOD_US} ${PERIOD_US}`,
    "cpu.weight": "50",
    // Under contention for the disk, what is outside of sandboxes goes first.
    "io.weight": "50",
  };
}

/** Not every kernel has every setting of a controller, but limits of memory and of processes are required. */
async function set(path: string, file: string, value: string): Promise<void> {
  try {
    await writeFile(join(path, file), value);
  } catch (error) {
    if (file === "memory.max" || file === "pids.max") throw error;
  }
}

const REMOVE_TRIES = 200;
const REMOVE_WAIT_MS = 5;

async function remove(path: string): Promise<void> {
  for (let attempt = 0; attempt < REMOVE_TRIES; attempt++) {
    if (await removed(path)) return;
    await new Promise((resolve) => setTimeout(resolve, REMOVE_WAIT_MS));
  }
}

/** False while processes of the group are still ending. */
async function removed(path: string): Promise<boolean> {
  try {
    await rmdir(path);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT";
  }
}

/** Removes the empty groups of programs that were killed: a group that is in use cannot be removed. */
export async function sweepCgroups(parent: CgroupParent, proc = "/proc"): Promise<void> {
  const groups = await readdir(parent.path);
  // Listed afterwards, so that nobody who has just made a group is missing.
  const running = new Set(await readdir(proc));
  for (const name of groups) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-\\d+$`).exec(name)?.[1];
    if (pid !== undefined && !running.has(pid)) await removed(join(parent.path, name));
  }
}

let host: Promise<CgroupParent | undefined> | undefined;

/** Where this program makes its machines' groups. The first call removes what killed programs left there. */
export function hostCgroups(): Promise<CgroupParent | undefined> {
  host ??= openHost().catch((error: unknown) => {
    host = undefined;
    throw error;
  });
  return host;
}

async function openHost(): Promise<CgroupParent | undefined> {
  const found = findCgroupParent();
  if ("missing" in found) return undefined;
  await sweepCgroups(found);
  return found;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
