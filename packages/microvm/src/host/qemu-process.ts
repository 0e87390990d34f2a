import { readdir, readFile } from "node:fs/promises";

/** QEMU's process below that of a machine: the jail's own stand between. `undefined` when it is not there. */
export async function qemuProcess(pid: number): Promise<number | undefined> {
  if ((await readFile(`/proc/${pid}/comm`, "utf8")).startsWith("qemu")) return pid;
  for (const thread of await readdir(`/proc/${pid}/task`)) {
    const children = await readFile(`/proc/${pid}/task/${thread}/children`, "utf8");
    for (const child of children.split(" ").filter(Boolean)) {
      const found = await qemuProcess(Number(child));
      if (found !== undefined) return found;
    }
  }
  return undefined;
}
