import { randomBytes } from "node:crypto";
import { link, mkdir, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { copySparse } from "../host/copy-sparse.ts";
import { syncDirectory } from "../host/durable.ts";
import { exists } from "../host/exists.ts";
import { newSandboxId } from "../host/ids.ts";
import { unfinished } from "../host/unfinished.ts";
import { type Manifest, replaceManifest, writeManifest } from "./manifest.ts";
import type { PausedStore } from "./paused.ts";
import type { Snapshot } from "./snapshots.ts";

/**
 * Puts a checkpoint in the place of what is kept of a paused sandbox, whose directory is the caller's to lock. It is the
 * one or the other at any time. Access, lifetime and labels stay.
 */
export async function putCheckpoint(
  directory: string,
  paused: Manifest,
  checkpoint: Snapshot,
): Promise<void> {
  const { accessToken, createdAt, startedAt, options } = paused;
  const { workspaces } = checkpoint.manifest.options;
  const own = { accessToken, createdAt, startedAt, options: { ...options, workspaces } };
  const manifest = { ...(await linkInto(directory, checkpoint)), ...own };
  await syncDirectory(directory);
  await replaceManifest(directory, manifest);
  const needed = new Set(["lock", "base", "manifest.json", ...filesOf(manifest)]);
  for (const name of await readdir(directory))
    if (!needed.has(name)) await rm(join(directory, name), { recursive: true, force: true });
}

/** Makes a paused sandbox of a checkpoint, without a machine. Returns its id. */
export async function pausedFrom(checkpoint: Snapshot, paused: PausedStore): Promise<string> {
  const sandboxId = newSandboxId();
  const target = paused.directoryOf(sandboxId);
  const building = unfinished(dirname(target), "new");
  await mkdir(join(building, "base"), { recursive: true, mode: 0o700 });
  try {
    const now = new Date().toISOString();
    await writeManifest(building, {
      ...(await linkInto(building, checkpoint)),
      ...{ sandboxId, createdAt: now, startedAt: now },
      accessToken: randomBytes(32).toString("hex"),
    });
    await syncDirectory(building);
    await rename(building, target);
  } catch (error) {
    await rm(building, { recursive: true, force: true });
    throw error;
  }
  return sandboxId;
}

/** Links a checkpoint's files beside those that are there. Returns what a manifest says of them. */
async function linkInto(
  directory: string,
  { directory: from, manifest }: Snapshot,
): Promise<Manifest> {
  const { checkpoint: _note, memory, ...rest } = manifest;
  const state = { ...memory!.state, name: `state-${randomBytes(8).toString("hex")}` };
  const linked = { ...rest, memory: { ...memory!, state } };
  for (const name of filesOf(linked))
    await linkOrCopy(join(from, name === state.name ? memory!.state.name : name), directory, name);
  for (const name of await readdir(join(from, "base")))
    await linkOrCopy(join(from, "base", name), join(directory, "base"), name);
  return linked;
}

const filesOf = ({ memory, disk }: Manifest): string[] => [
  memory!.state.name,
  ...memory!.layers.flatMap(({ name }) => [name, `${name}.index`]),
  ...disk.map(({ name }) => name),
];

/** Unless it is there: what a machine was made from stays the same, and a layer's name is never used again. */
async function linkOrCopy(from: string, directory: string, name: string): Promise<void> {
  const target = join(directory, name);
  if (await exists(target)) return;
  await link(from, target).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EPERM" && error.code !== "EMLINK") throw error;
    return copySparse(from, target);
  });
}
