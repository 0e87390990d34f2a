import { randomBytes } from "node:crypto";
import { link } from "node:fs/promises";
import { join } from "node:path";
import { childOf } from "../host/child.ts";
import { copySummed } from "../host/summed-file.ts";
import type { DiskLayer, MemoryLayer, StoredLayer } from "../restore/source.ts";

/**
 * Links memory layers into `directory`, from the lowest up to the first that is gone: what that one and those above it
 * held has to be written again.
 */
export async function keepMemoryLayers(
  layers: readonly StoredLayer<MemoryLayer>[],
  directory: string,
): Promise<StoredLayer<MemoryLayer>[]> {
  const kept: StoredLayer<MemoryLayer>[] = [];
  for (const each of layers.slice(0, MAX_LAYERS)) {
    const path = childOf(directory, each.layer.name);
    if (!(await linkFrom(each, path))) break;
    kept.push({ path, layer: each.layer });
  }
  // The most that there may be: the next save begins anew.
  return kept.length === MAX_LAYERS ? [] : kept;
}

const MAX_LAYERS = 16;

/** Links layers of the disk into `directory`; those that are gone or new are copied from `open`. */
export async function keepDiskLayers(
  layers: readonly StoredLayer<DiskLayer>[],
  open: readonly number[],
  directory: string,
  target: string,
): Promise<StoredLayer<DiskLayer>[]> {
  const kept: StoredLayer<DiskLayer>[] = [];
  for (const [index, fd] of open.entries()) {
    const each = layers[index];
    const isThere = each && (await linkFrom(each, childOf(directory, each.layer.name)));
    kept.push(isThere ? each : await copyDisk(fd, directory, target));
  }
  return kept;
}

/** Copies an open file of the disk into `directory`, which becomes `target`. */
export async function copyDisk(
  fd: number,
  directory: string,
  target: string,
): Promise<StoredLayer<DiskLayer>> {
  const name = `disk-${randomBytes(8).toString("hex")}.qcow2`;
  const file = await copySummed(fd, join(directory, name), name);
  const home = join(target, name);
  return { path: home, layer: { ...file, home } };
}

/** False when the layer is in none of its known places. */
async function linkFrom(
  { path, layer }: StoredLayer<{ readonly home: string; readonly name: string }>,
  target: string,
): Promise<boolean> {
  const isMemory = layer.name.startsWith("memory-");
  for (const from of [path, layer.home]) {
    try {
      await link(from, target);
      if (isMemory) await link(`${from}.index`, `${target}.index`);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  return false;
}
