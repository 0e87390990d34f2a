import { link, mkdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { statFd } from "../host/descriptors.ts";
import { copySparse } from "../host/copy-sparse.ts";
import { exists } from "../host/exists.ts";
import { unfinished } from "../host/unfinished.ts";
import type { OpenFiles } from "../machine/process.ts";
import { pathsOf, type Template, type TemplatePaths } from "../template/template.ts";

/** The files of a template and its image that a saved machine needs: links, so that caches can be deleted. */
export const baseFiles: Readonly<Record<keyof TemplatePaths, string>> = {
  ram: "ram",
  disk: "disk.qcow2",
  overlay: "overlay.qcow2",
  initrd: "initrd",
  kernelHead: "kernel-head",
  kernel: "kernel",
  rootfs: "rootfs",
} as const;

/** Beside the saved machines: copies for those that are on another file system than the caches. */
export const BASES = "bases";

/** Links what a machine was made from into `directory`, which is there and empty; what was deleted meanwhile is copied from the open files. */
export async function keepBase(
  directory: string,
  template: Template,
  open: OpenFiles,
  { withRam, booted }: { readonly withRam: boolean; readonly booted: boolean },
): Promise<void> {
  const held: Partial<Record<keyof TemplatePaths, number | undefined>> = {
    disk: open.template,
    initrd: open.initrd,
    rootfs: open.image,
    ...(withRam && { ram: open.ram }),
    ...(booted ? { kernel: open.kernel } : { kernelHead: open.kernel }),
  };
  const [now, home] = [pathsOf(template), template.home];
  for (const name of Object.keys(baseFiles) as (keyof TemplatePaths)[]) {
    if (name === "ram" && !withRam) continue;
    const places = home ? [now[name], home[name]] : [now[name]];
    await keep(places, held[name], join(directory, baseFiles[name]));
  }
}

/**
 * Links a file, or a copy of it, from the first of its places that has it. A missing one without an open descriptor is
 * left out: it is not needed to resume, or is made again.
 */
export async function keep(
  places: readonly string[],
  fd: number | undefined,
  target: string,
): Promise<void> {
  for (const path of places) {
    if (!(await (fd === undefined ? exists(path) : isSame(path, fd)))) continue;
    try {
      return await link(path, target);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT") continue;
      // Another file system, or one without links.
      if (code !== "EXDEV" && code !== "EPERM") throw error;
      return linkCopy(path, target);
    }
  }
  if (fd !== undefined) await copySparse(`/proc/${process.pid}/fd/${fd}`, target);
}

/** Links a copy that all saved machines share, made on first use. */
async function linkCopy(path: string, target: string): Promise<void> {
  const { ino, mtimeMs, size } = await stat(path);
  // `target` is `KIND/ID/base/NAME` below the directory of all saved machines.
  const bases = join(target, "../../../..", BASES);
  const shared = join(bases, `${ino}-${Math.trunc(mtimeMs)}-${size}`);
  if (!(await exists(shared))) {
    await mkdir(bases, { recursive: true, mode: 0o700 });
    const making = unfinished(bases, "new");
    try {
      await copySparse(path, making);
      await rename(making, shared);
    } finally {
      await rm(making, { force: true });
    }
  }
  await link(shared, target).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EPERM") throw error;
    return copySparse(shared, target);
  });
}

/** False when another file has replaced the one that is open. */
async function isSame(path: string, fd: number): Promise<boolean> {
  const [there, here] = await Promise.all([stat(path).catch(() => undefined), statFd(fd)]);
  return there?.ino === here.ino && there.dev === here.dev;
}
