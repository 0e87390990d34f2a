import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { EmberboxError } from "@emberbox/core";
import type { Architecture } from "../host/architecture.ts";
import { childOf } from "../host/child.ts";
import { exists } from "../host/exists.ts";
import { verifySummed } from "../host/summed-file.ts";
import { damaged } from "../restore/damaged.ts";
import {
  type DiskLayer,
  MAX_DISK_LAYERS,
  type Source,
  type Start,
  type StoredLayer,
} from "../restore/source.ts";
import { createOverlay, overlayOf } from "../template/blank.ts";
import type { Template } from "../template/template.ts";
import { baseFiles } from "./base.ts";
import type { FolderImages } from "../workspaces/store.ts";
import { loadFolders } from "./folders.ts";
import type { Manifest } from "./manifest.ts";

export interface LoadOptions {
  /** Boot from the disk, whether or not memory was kept. */
  readonly reboot: boolean;
  /** A paused sandbox continues with its own disk; a snapshot's copies write to disks over it. */
  readonly as: "same" | "copy";
  readonly diskMB: number;
  /** What the machine is to be that boots, with everything warm. @default what it was */
  readonly anew?: Pick<Template, "shape" | "kernelArguments" | "readOnlyRam"> | undefined;
  readonly architecture: Architecture;
  /** The QEMU that is installed. */
  readonly qemu: { stamp(): Promise<string>; version(): Promise<string> };
  readonly images: FolderImages;
}

/** Reads what to make a machine from. @throws `snapshot_damaged`, `snapshot_incompatible` */
export async function loadSource(
  directory: string,
  manifest: Manifest,
  options: LoadOptions,
): Promise<Source> {
  const { anew } = options;
  const reboot = options.reboot || manifest.memory === undefined;
  if (manifest.architecture !== options.architecture)
    throw incompatible(directory, manifest.architecture, options.architecture);
  if (!reboot) await checkCompatible(directory, manifest, options.qemu);
  try {
    const disk = await loadDisk(directory, manifest);
    const start: Start = reboot
      ? { how: "booted", warm: anew !== undefined }
      : await loadMachine(directory, manifest);
    const template = { ...templateIn(directory, manifest), ...anew };
    await checkBase(template, start);
    // The one file that is made again if it could not be linked.
    if (!(await exists(template.overlay))) {
      const { overlay: path, disk: backing } = template;
      await createOverlay({ path, backing, format: "qcow2" });
    }
    // The uppermost is copied where one more would be too many.
    const isOwn = options.as === "same" || disk.length >= MAX_DISK_LAYERS;
    const own = isOwn ? disk.pop() : undefined;
    const overlay = own?.path ?? (await overlayOf(template, options.diskMB));
    const { diskMB } = manifest.options;
    const mounts = reboot ? undefined : manifest.mounts;
    const base = join(directory, "base");
    const workspace = await loadFolders(base, manifest, options.images);
    return { template, layers: disk, overlay, diskMB, start, mounts, workspace };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Removed by another program, all at once: not damage.
    if (EmberboxError.isInstance(error) || (code === "ENOENT" && !(await exists(directory))))
      throw error;
    throw damaged(directory, error);
  }
}

function incompatible(directory: string, was: string, is: string): EmberboxError {
  return new EmberboxError(
    "snapshot_incompatible",
    `what was kept in ${directory} was saved with ${was}; here is ${is}`,
  );
}

/** Whether the QEMU that is installed can go on from what was saved. */
export async function checkCompatible(
  directory: string,
  manifest: Manifest,
  qemu: LoadOptions["qemu"],
): Promise<void> {
  if (manifest.accelerator === "kvm" && !(await exists("/dev/kvm")))
    throw incompatible(directory, "KVM", "none");
  if (manifest.qemuStamp === (await qemu.stamp())) return;
  const version = await qemu.version();
  if (manifest.qemu !== version) throw incompatible(directory, manifest.qemu, version);
}

async function loadDisk(directory: string, { disk }: Manifest): Promise<StoredLayer<DiskLayer>[]> {
  const kept = disk.map((layer) => ({ path: childOf(directory, layer.name), layer }));
  for (const { path, layer } of kept) await verifySummed(path, layer);
  return kept;
}

async function loadMachine(directory: string, manifest: Manifest): Promise<Start> {
  const { state, over, layers } = manifest.memory!;
  const path = childOf(directory, state.name);
  const bytes = await readFile(path);
  if (bytes.length !== state.bytes || crc32(bytes) !== state.sum)
    throw new Error(`${path} has other bytes than were written`);
  const memory = layers.map((layer) => ({ path: childOf(directory, layer.name), layer }));
  return { how: "resumed", state: bytes, memory, over };
}

/** What a saved machine was made from. */
export function templateIn(directory: string, manifest: Manifest): Template {
  const base = join(directory, "base");
  const file = (name: keyof typeof baseFiles): string => join(base, baseFiles[name]);
  const { architecture, accelerator, options, kernelArguments, readOnlyRam } = manifest;
  const { memoryMB, cpuCount } = options;
  return {
    key: manifest.templateKey,
    shape: { architecture, accelerator, memoryMB, cpuCount },
    image: {
      directory: base,
      digest: manifest.imageDigest,
      kernel: file("kernel"),
      initrd: file("initrd"),
      rootfs: file("rootfs"),
    },
    directory: base,
    ram: file("ram"),
    state: Buffer.alloc(0),
    disk: file("disk"),
    overlay: file("overlay"),
    initrd: file("initrd"),
    kernelHead: file("kernelHead"),
    kernelArguments,
    readOnlyRam,
    home: manifest.base,
  };
}

async function checkBase(template: Template, start: Start): Promise<void> {
  const needed = [template.disk, template.initrd, template.image.rootfs];
  if (start.how === "booted") needed.push(template.image.kernel);
  else needed.push(template.kernelHead);
  if (start.how === "resumed" && start.over === "template") needed.push(template.ram);
  for (const path of needed) if (!(await exists(path))) throw new Error(`${path} is missing`);
}
