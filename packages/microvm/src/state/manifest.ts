import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { EmberboxError } from "@emberbox/core";
import { z } from "zod";
import type { ResolvedCreateOptions } from "../options.ts";
import type { BasePaths } from "./base.ts";
import { writeDurably } from "./memory-file.ts";
import type { SummedFile } from "./summed-file.ts";

/** Raise when the meaning of the files changes. */
export const FORMAT = 1 as const;

export interface MemoryLayer {
  readonly name: string;
  /** Where the layer was first written: there it may be found to be linked again. */
  readonly home: string;
  readonly bytes: number;
}

export interface DiskLayer extends SummedFile {
  readonly home: string;
}

/** What is on disk about a machine: a paused sandbox, or a snapshot. */
export interface Manifest {
  readonly format: typeof FORMAT;
  readonly createdAt: string;
  readonly sandboxId: string;
  /** Kept by a paused sandbox only: a snapshot's copies get tokens of their own. */
  readonly accessToken?: string | undefined;
  readonly startedAt: string;
  /** What it was created with, its shape among it. */
  readonly options: Omit<ResolvedCreateOptions, "signal">;
  readonly accelerator: "kvm" | "tcg";
  /** QEMU's program, and what it calls its version. */
  readonly qemuStamp: string;
  readonly qemu: string;
  readonly templateKey: string;
  readonly imageDigest: string;
  readonly kernelArguments: string;
  readonly readOnlyRam: boolean;
  /** Where the files in `base` come from: there they may be found to be linked again. */
  readonly base: BasePaths;
  /** Absent when only the disk was kept. */
  readonly memory?: SavedMemory | undefined;
  /** Over the template's disk, lowest first. */
  readonly disk: readonly DiskLayer[];
}

export interface SavedMemory {
  readonly state: SummedFile;
  /** Over the template's memory, or over nothing where the machine was booted. */
  readonly over: "template" | "nothing";
  /** Lowest first. */
  readonly layers: readonly MemoryLayer[];
}

const count = z.int().nonnegative();
const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/);
const summedFile = { name, bytes: count, sum: count };
const home = z.string();

const manifestSchema: z.ZodType<Manifest> = z.strictObject({
  format: z.literal(FORMAT),
  createdAt: z.iso.datetime(),
  sandboxId: z.string(),
  accessToken: z.string().optional(),
  startedAt: z.iso.datetime(),
  // Checked as a whole by its digest; `create` checked its parts.
  options: z.custom<Manifest["options"]>((value) => typeof value === "object" && value !== null),
  accelerator: z.enum(["kvm", "tcg"]),
  qemuStamp: z.string(),
  qemu: z.string(),
  templateKey: z.string(),
  imageDigest: z.string(),
  kernelArguments: z.string(),
  readOnlyRam: z.boolean(),
  base: z.custom<BasePaths>((value) => typeof value === "object" && value !== null),
  memory: z
    .strictObject({
      state: z.strictObject(summedFile),
      over: z.enum(["template", "nothing"]),
      layers: z.array(z.strictObject({ name, home, bytes: count })),
    })
    .optional(),
  disk: z.array(z.strictObject({ ...summedFile, home })).min(1),
});

const MANIFEST = "manifest.json";

/** Written last: its presence says that all the rest is there. */
export async function writeManifest(directory: string, manifest: Manifest): Promise<void> {
  const text = JSON.stringify(manifest);
  await writeDurably(join(directory, MANIFEST), `${digestOf(text)}\n${text}`);
}

/** The manifest in a directory, or `undefined` where there is none. @throws `snapshot_damaged`, `snapshot_incompatible` */
export async function readManifest(directory: string): Promise<Manifest | undefined> {
  let content: string;
  try {
    content = await readFile(join(directory, MANIFEST), "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
  const [digest, text = ""] = content.split("\n");
  if (digest !== digestOf(text)) throw damaged(directory, new Error("its manifest was changed"));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw damaged(directory, error);
  }
  const parsed = manifestSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new EmberboxError(
    "snapshot_incompatible",
    `${directory} was written by another version of this engine`,
    { hint: "Delete it and make it anew.", cause: parsed.error },
  );
}

export function damaged(directory: string, cause: unknown): EmberboxError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new EmberboxError("snapshot_damaged", `what was kept in ${directory} is damaged: ${why}`, {
    cause,
  });
}

const digestOf = (text: string): string => createHash("sha256").update(text).digest("hex");
