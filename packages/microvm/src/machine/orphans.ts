import { readdir, readFile } from "node:fs/promises";

/** Only our machines have a port of this name. */
const OURS = "virtserialport,chardev=channel,name=emberbox";

/**
 * Ends jails whose program is gone. bwrap's outer process ends with its program, and its inner one with the outer one,
 * but only once it has asked the kernel for that: if killed in the milliseconds before, the outer one leaves the inner
 * one behind, with QEMU.
 */
export async function endOrphans(): Promise<void> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    try {
      if (await isOrphan(pid)) process.kill(Number(pid), "SIGKILL");
    } catch {
      // It ended meanwhile, or is another user's.
    }
  }
}

/** An inner process is the first in its PID namespace, and its parent is an outer one as long as all is well. */
async function isOrphan(pid: string): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  if (!status.startsWith("Name:\tbwrap\n") || !/^NSpid:.*\t1$/m.test(status)) return false;
  const parent = /^PPid:\t(\d+)$/m.exec(status)?.[1];
  if ((await readFile(`/proc/${parent}/comm`, "utf8")) === "bwrap\n") return false;
  return (await readFile(`/proc/${pid}/cmdline`, "utf8")).includes(OURS);
}
