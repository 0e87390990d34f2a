import { createHash } from "node:crypto";
import { readFile, utimes } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { Architecture } from "../host/architecture.ts";
import { parseJson } from "../host/json.ts";
import type { GuestImage } from "../image/index.ts";
import type { MachineShape } from "../machine/arguments.ts";

/** A machine that was booted, warmed and saved. Sandboxes are restored from it. */
export interface Template {
  readonly key: string;
  readonly shape: MachineShape;
  readonly image: GuestImage;
  readonly directory: string;
  /** The machine's memory; sandboxes map it privately. */
  readonly ram: string;
  /** Device state, small enough to be kept in memory. */
  readonly state: Buffer;
  readonly disk: string;
  /** An empty overlay over `disk`, copied for each sandbox. */
  readonly overlay: string;
  readonly initrd: string;
  /** The kernel file's beginning: a restored machine has its kernel in memory, and QEMU only wants a file. */
  readonly kernelHead: string;
  readonly kernelArguments: string;
  /** QEMU can map the memory file without write access to it. */
  readonly readOnlyRam: boolean;
  /** Where the files come from, when these are links to them. */
  readonly home?: TemplatePaths;
}

/** Where the files of a template and its image are. */
export type TemplatePaths = Readonly<
  Record<"ram" | "disk" | "overlay" | "initrd" | "kernelHead" | "kernel" | "rootfs", string>
>;

export function pathsOf({
  ram,
  disk,
  overlay,
  initrd,
  kernelHead,
  image,
}: Template): TemplatePaths {
  return { ram, disk, overlay, initrd, kernelHead, kernel: image.kernel, rootfs: image.rootfs };
}

/** What is on disk about a template; written last, so that its presence means that the template is complete. */
export interface TemplateFacts {
  readonly kernelArguments: string;
  readonly readOnlyRam: boolean;
}

const factsSchema: z.ZodType<TemplateFacts> = z.strictObject({
  kernelArguments: z.string().regex(/^[\x20-\x7e]{0,1024}$/),
  readOnlyRam: z.boolean(),
});

/** Raise when the meaning of a template's files changes. */
const FORMAT = 11;

/** Everything that must be the same for a saved machine to be restorable, and its contents current. */
export function templateKey(parts: {
  shape: MachineShape;
  image: GuestImage;
  agent: string;
  qemuStamp: string;
}): string {
  const { architecture, accelerator, memoryMB, cpuCount } = parts.shape;
  const kind = architecture === "x64" ? accelerator : `${accelerator}-${architecture}`;
  // In this order: it is hashed.
  const shape = { accelerator: kind, memoryMB, cpuCount };
  const hash = createHash("sha256").update(
    JSON.stringify([FORMAT, shape, parts.image.digest, parts.agent, parts.qemuStamp]),
  );
  return `${kind}-${cpuCount}cpu-${memoryMB}mb-${hash.digest("hex").slice(0, 16)}`;
}

/** The shape in the name of a template's directory or lock, finished or not. */
export function shapeOf(name: string): MachineShape | undefined {
  const match = /^(kvm|tcg)(?:-(arm64))?-(\d+)cpu-(\d+)mb-[0-9a-f]{16}(\.lock|\.building)?$/.exec(
    name,
  );
  if (match === null) return undefined;
  const [, accelerator, architecture = "x64", cpuCount, memoryMB] = match;
  return {
    architecture: architecture as Architecture,
    accelerator: accelerator as MachineShape["accelerator"],
    cpuCount: Number(cpuCount),
    memoryMB: Number(memoryMB),
  };
}

export const templateFiles = (
  directory: string,
): Pick<Template, "ram" | "disk" | "overlay" | "initrd" | "kernelHead"> & {
  state: string;
  facts: string;
} => ({
  ram: join(directory, "ram"),
  disk: join(directory, "disk.qcow2"),
  overlay: join(directory, "overlay.qcow2"),
  initrd: join(directory, "initrd"),
  kernelHead: join(directory, "kernel-head"),
  state: join(directory, "state"),
  facts: join(directory, "template.json"),
});

/** The finished template, or `undefined` when there is no complete one. */
export async function loadTemplate(options: {
  key: string;
  directory: string;
  shape: MachineShape;
  image: GuestImage;
}): Promise<Template | undefined> {
  const files = templateFiles(options.directory);
  try {
    const facts = factsSchema.safeParse(parseJson(await readFile(files.facts, "utf8"))).data;
    if (facts === undefined) return undefined;
    // What is used is not removed as unused.
    const now = new Date();
    await utimes(files.facts, now, now);
    return { ...options, ...files, state: await readFile(files.state), ...facts };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
