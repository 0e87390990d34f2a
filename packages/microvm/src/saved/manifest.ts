import { createHash } from "node:crypto";
import { readFile, rename, rm, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { EmberboxError } from "@emberbox/core";
import { z } from "zod";
import { type Architecture, architectures } from "../host/architecture.ts";
import { sync, writeNew } from "../host/durable.ts";
import { parseJson } from "../host/json.ts";
import type { SummedFile } from "../host/summed-file.ts";
import { keptOptions, type KeptOptions } from "../restore/create-options.ts";
import { damaged } from "../restore/damaged.ts";
import type { DiskLayer, MemoryLayer } from "../restore/source.ts";
import type { SavedMount } from "../volumes/channel.ts";
import type { TemplatePaths } from "../template/template.ts";
import { baseFiles } from "./base.ts";
import { isSealed, sealOf } from "./ownership.ts";

/** Raise when the meaning of the files changes. */
export const FORMAT = 7 as const;

/** What is on disk about a machine: a paused sandbox, or a snapshot. */
export interface Manifest {
  readonly format: typeof FORMAT;
  readonly createdAt: string;
  readonly sandboxId: string;
  /** Saved for a paused sandbox only: a snapshot's copies get tokens of their own. */
  readonly accessToken?: string | undefined;
  /** What is noted with a checkpoint. */
  readonly checkpoint?: CheckpointNote | undefined;
  readonly startedAt: string;
  /** What it was created with, including its shape. */
  readonly options: KeptOptions;
  /** Who runs the commands of a template's sandboxes, and where. */
  readonly defaults?: { readonly user: string; readonly workdir: string } | undefined;
  /** What a template starts, and what tells that it is ready: for machines of it that boot. */
  readonly start?: StartCommands | undefined;
  readonly architecture: Architecture;
  readonly accelerator: "kvm" | "tcg";
  /** The stamp of QEMU's program, and its version in its own words. */
  readonly qemuStamp: string;
  readonly qemu: string;
  readonly templateKey: string;
  readonly imageDigest: string;
  readonly kernelArguments: string;
  readonly readOnlyRam: boolean;
  /** Where the files in `base` come from: they may still be there, to be linked again. */
  readonly base: TemplatePaths;
  /** Absent when only the disk was saved. */
  readonly memory?: SavedMemory | undefined;
  /** Over the template's disk, lowest first. */
  readonly disk: readonly DiskLayer[];
  /** What its kernel knows of the volumes that it has mounted. */
  readonly mounts?: readonly SavedMount[] | undefined;
  /** The image of the host's folders, and what is known of them. */
  readonly folders?: SavedFolders | undefined;
}

/** Files in `base`, by the names that they have in the cache. */
export interface SavedFolders {
  /** What names the image. */
  readonly key: string;
  readonly bytes: number;
  /** What names the baselines that were there. */
  readonly baselines: readonly string[];
}

export interface StartCommands {
  readonly startCommand?: string | undefined;
  readonly readyCommand?: string | undefined;
}

export interface CheckpointNote {
  readonly label?: string | undefined;
  readonly by?: string | undefined;
  /** The checkpoints before it, the latest first. Some may be gone. */
  readonly ancestors: readonly string[];
}

/** Of a checkpoint; those before these are not known to be before it. */
export const MAX_ANCESTORS = 1024;

export interface SavedMemory {
  readonly state: SummedFile;
  /** Over the template's memory, or over nothing where the machine was booted. */
  readonly over: "template" | "nothing";
  /** Lowest first; none if all of it is in `base`. */
  readonly layers: readonly MemoryLayer[];
}

const count = z.int().nonnegative();
const digest = z.string().regex(/^[0-9a-f]{64}$/);
const text = z.string().max(1024);
const command = z.string().max(100_000).optional();
/** Files are in the manifest's own directory, under names that only their kind may have. */
const stateFile = z.strictObject({
  name: z.string().regex(/^state(-[0-9a-f]{16})?$/),
  bytes: count,
  sum: count,
});
const layerName = {
  memory: z.string().regex(/^memory-[0-9a-f]{16}$/),
  disk: z.string().regex(/^disk-[0-9a-f]{16}\.qcow2$/),
};
const path = z
  .string()
  .max(4096)
  .regex(/^[^\0]*$/)
  .refine((given) => resolve(given) === given);
const isAtHome = ({ name, home }: { name: string; home: string }): boolean =>
  basename(home) === name;
const memoryLayer = z.strictObject({ name: layerName.memory, home: path, bytes: count });
const diskLayer = z.strictObject({ name: layerName.disk, home: path, bytes: count, sum: count });
const base = z
  .strictObject({
    ...{ ram: path, disk: path, overlay: path, initrd: path },
    ...{ kernelHead: path, kernel: path, rootfs: path },
  })
  .refine((paths) =>
    Object.entries(baseFiles).every(
      ([name, file]) => basename(paths[name as keyof TemplatePaths]) === file,
    ),
  );
const MAX_LAYERS = 1024;
const note = z.string().max(200).optional();
const checkpoint = z.strictObject({
  label: note,
  by: note,
  ancestors: z.array(z.string().regex(/^c[a-z0-9]{20}$/)).max(MAX_ANCESTORS),
});

const savedMount: z.ZodType<SavedMount> = z.strictObject({
  path,
  nodes: z.array(
    z.tuple([count, z.string().regex(/^\d{1,20}$/), count, z.string().max(255), z.int()]),
  ),
});

const manifestSchema: z.ZodType<Manifest> = z.strictObject({
  format: z.literal(FORMAT),
  createdAt: z.iso.datetime(),
  sandboxId: z.string().regex(/^[a-z0-9]{1,64}$/),
  accessToken: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  checkpoint: checkpoint.optional(),
  startedAt: z.iso.datetime(),
  options: keptOptions,
  defaults: z.strictObject({ user: text, workdir: path }).optional(),
  start: z.strictObject({ startCommand: command, readyCommand: command }).optional(),
  architecture: z.enum(Object.keys(architectures) as Architecture[]).default("x64"),
  accelerator: z.enum(["kvm", "tcg"]),
  qemuStamp: text,
  qemu: text,
  templateKey: text,
  imageDigest: text,
  kernelArguments: text.regex(/^[\x20-\x7e]*$/),
  readOnlyRam: z.boolean(),
  base,
  memory: z
    .strictObject({
      state: stateFile,
      over: z.enum(["template", "nothing"]),
      layers: z.array(memoryLayer.refine(isAtHome)).max(MAX_LAYERS),
    })
    .optional(),
  disk: z.array(diskLayer.refine(isAtHome)).min(1).max(MAX_LAYERS),
  mounts: z.array(savedMount).max(1024).optional(),
  folders: z
    .strictObject({ key: digest, bytes: count, baselines: z.array(digest).max(64) })
    .optional(),
});

const MANIFEST = "manifest.json";
/** More than any options and layers come to, in bytes. */
const MAX_BYTES = 16 * 1024 * 1024;

/** Written last: its presence means that all the rest is there. */
export async function writeManifest(directory: string, manifest: Manifest): Promise<void> {
  await writeNew(join(directory, MANIFEST), await textOf(manifest));
}

/** Puts another in its place; there is one or the other at any time. */
export async function replaceManifest(directory: string, manifest: Manifest): Promise<void> {
  const beside = join(directory, `.${MANIFEST}`);
  await rm(beside, { force: true });
  await writeNew(beside, await textOf(manifest));
  await sync(beside);
  await rename(beside, join(directory, MANIFEST));
  await sync(directory);
}

async function textOf(manifest: Manifest): Promise<string> {
  const text = JSON.stringify(manifest);
  const seal = manifest.options.workspaces?.length ? `\n${await sealOf(text)}` : "";
  return `${digestOf(text)}\n${text}${seal}`;
}

/**
 * The manifest in a directory, or `undefined` if there is none.
 * @throws `snapshot_damaged`, `snapshot_incompatible`
 */
export async function readManifest(directory: string): Promise<Manifest | undefined> {
  let content: string;
  try {
    const { size } = await stat(join(directory, MANIFEST));
    if (size > MAX_BYTES) throw damaged(directory, new Error("its manifest is too large"));
    content = await readFile(join(directory, MANIFEST), "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
  const [sum, text = "", seal = ""] = content.split("\n", 3);
  if (sum !== digestOf(text)) throw damaged(directory, new Error("its manifest was changed"));
  const written = parseJson(text);
  if (written === undefined) throw damaged(directory, new Error("its manifest was cut"));
  const parsed = manifestSchema.safeParse(written);
  if (parsed.success) {
    const isOwn = parsed.data.options.workspaces === undefined || (await isSealed(text, seal));
    return isOwn ? parsed.data : withForeignFolders(parsed.data);
  }
  throw new EmberboxError(
    "snapshot_incompatible",
    `${directory} was written by another version of this engine`,
    { hint: "Delete it and make it anew.", cause: parsed.error },
  );
}

/** Whoever wrote it may have named any folder of this machine. */
function withForeignFolders(manifest: Manifest): Manifest {
  const foreign = manifest.options.workspaces?.map((each) => ({
    ...each,
    isForeign: true as const,
  }));
  return { ...manifest, options: { ...manifest.options, workspaces: foreign } };
}

const digestOf = (text: string): string => createHash("sha256").update(text).digest("hex");
