import { readdir, readFile, readlink } from "node:fs/promises";
import { basename, join } from "node:path";

/** A program that runs. */
export interface Running {
  readonly pid: number;
  /** Of its file, such as `node`. */
  readonly name: string;
}

/** What programs have open, or had open when it was removed, as far as this user may see that. */
export async function openPaths(): Promise<ReadonlySet<string>> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  return new Set((await Promise.all(pids.map(openFiles))).flat());
}

/** Other programs that have one of these files open, or had it open when it was removed; a machine's is its program. */
export async function programsUsing(isOurs: (path: string) => boolean): Promise<Running[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = new Map<number, Running>();
  for (const pid of pids) {
    if (!(await openFiles(pid)).some((path) => isOurs(path))) continue;
    const program = await programOf(pid);
    if (program !== undefined && program.pid !== process.pid) found.set(program.pid, program);
  }
  return [...found.values()];
}

/** None of those that ended meanwhile, or are another user's. */
async function openFiles(pid: number): Promise<string[]> {
  const directory = `/proc/${pid}/fd`;
  const names = await readdir(directory).catch(() => []);
  return Promise.all(names.map((name) => readlink(join(directory, name)).catch(() => "")));
}

/** The process itself, or the one that began it as a part of a machine. */
async function programOf(pid: number): Promise<Running | undefined> {
  const read = (file: string): Promise<string> =>
    readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "");
  const name = basename((await read("cmdline")).split("\0")[0]!);
  const parent = Number(/^PPid:\t(\d+)$/m.exec(await read("status"))?.[1]);
  if (name === "") return undefined;
  const isPart = name === "bwrap" || name.startsWith("qemu-system");
  return isPart && parent > 1 ? programOf(parent) : { pid, name };
}
