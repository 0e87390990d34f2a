import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { rename, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { exists } from "../host/exists.ts";
import { requireProgram } from "../host/programs.ts";
import { IMAGE_DISK_MB } from "../image/recipe.ts";
import { letJailWrite } from "../machine/files.ts";
import type { Template } from "./template.ts";

/** Makes the memory and the disk of a machine that is to boot: zeroes, and a layer over the image. */
export async function createBlank(options: {
  ram: string;
  disk: string;
  memoryMB: number;
  rootfs: string;
}): Promise<void> {
  await rm(options.disk, { force: true });
  await createOverlay({ path: options.disk, backing: options.rootfs, format: "raw" });
  await writeFile(options.ram, "");
  await letJailWrite(options.ram);
  await truncate(options.ram, options.memoryMB * 1024 * 1024);
}

/** An empty qcow2 layer over another disk; as large as that one unless `megabytes` is given. */
export async function createOverlay(options: {
  path: string;
  backing: string;
  format: "raw" | "qcow2";
  megabytes?: number;
}): Promise<void> {
  // A cache that somebody has cleared away is told apart from what else qemu-img may fail at.
  await stat(options.backing);
  const size = options.megabytes === undefined ? [] : [`${options.megabytes}M`];
  const args = [
    "create",
    "-q",
    "-f",
    "qcow2",
    "-b",
    options.backing,
    "-F",
    options.format,
    options.path,
    ...size,
  ];
  await promisify(execFile)(requireProgram("qemu-img"), args);
}

/** The empty overlay of a disk size, made on first use. */
export async function overlayOf(template: Template, diskMB: number): Promise<string> {
  if (diskMB === IMAGE_DISK_MB) return template.overlay;
  const path = join(template.directory, `overlay-${diskMB}.qcow2`);
  if (await exists(path)) return path;
  // Two sandboxes of this program may be the first ones at once.
  const making = `${path}.${process.pid}-${randomBytes(8).toString("hex")}`;
  await createOverlay({ path: making, backing: template.disk, format: "qcow2", megabytes: diskMB });
  await rename(making, path);
  return path;
}
