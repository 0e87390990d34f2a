import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { EmberboxError } from "@emberbox/core";
import type { SnapshotInfo } from "@emberbox/core/state";
import { childOf } from "../host/child.ts";
import { sync } from "../host/durable.ts";
import { randomLetters } from "../host/ids.ts";
import { removeWhole, unfinished } from "../host/unfinished.ts";
import { type Manifest, readManifest } from "./manifest.ts";

const ID = /^s[a-z0-9]{20}$/;
/** Those of templates may have a tag. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}(:[a-z0-9][a-z0-9._-]{0,63})?$/;

/** @throws `invalid_argument` for what cannot be a snapshot's name, and for what looks like an id */
export function checkSnapshotName(name: string): string {
  if (NAME.test(name) && !ID.test(name)) return name;
  throw new EmberboxError("invalid_argument", "The name of the snapshot is none, or is an id");
}

export interface Snapshot {
  readonly snapshotId: string;
  readonly directory: string;
  readonly manifest: Manifest;
}

/** Snapshots on disk: a directory each below `root`, and names, each a file that holds an id. */
export interface SnapshotStore {
  newId(): string;
  directoryOf(snapshotId: string): string;
  /** By id or name. @throws `snapshot_damaged`, `snapshot_incompatible` */
  find(idOrName: string): Promise<Snapshot | undefined>;
  /** Newest first. Damaged ones are listed with what is known of them. */
  list(): Promise<SnapshotInfo[]>;
  /** Gives a snapshot a name; another that had it loses it. @throws `invalid_argument` for an invalid name */
  name(snapshotId: string, name: string): Promise<void>;
  delete(idOrName: string): Promise<boolean>;
  /** Takes a name away; the snapshot stays. */
  unname(name: string): Promise<void>;
  /** The names that are given, to which snapshot and when. */
  names(): Promise<NamedSnapshot[]>;
}

export interface NamedSnapshot {
  readonly name: string;
  readonly snapshotId: string;
  readonly since: Date;
}

export function openSnapshots(root: string): SnapshotStore {
  const directories = join(root, "snapshots");
  const names = join(root, "names");
  const directoryOf = (id: string): string => childOf(directories, id);
  const nameFile = (name: string): string => childOf(names, checkSnapshotName(name));
  const resolve = async (idOrName: string): Promise<string | undefined> => {
    if (ID.test(idOrName)) return idOrName;
    if (!NAME.test(idOrName)) return undefined;
    const id = (await readFile(nameFile(idOrName), "utf8").catch(ifMissing(""))).trim();
    return ID.test(id) ? id : undefined;
  };
  const given = async (): Promise<NamedSnapshot[]> => {
    const all = await Promise.all(
      (await readdir(names).catch(ifMissing([]))).map(async (name) => {
        const snapshotId = await resolve(name);
        const stats = snapshotId && (await stat(nameFile(name)).catch(ifMissing(undefined)));
        return stats ? [{ name, snapshotId, since: stats.mtime }] : [];
      }),
    );
    return all.flat();
  };
  const allNames = async (): Promise<Map<string, string[]>> => {
    const byId = new Map<string, string[]>();
    for (const { name, snapshotId } of await given())
      byId.set(snapshotId, [...(byId.get(snapshotId) ?? []), name]);
    return byId;
  };
  return {
    newId: () => `s${randomLetters(20)}`,
    directoryOf,
    async find(idOrName) {
      const snapshotId = await resolve(idOrName);
      if (snapshotId === undefined) return undefined;
      const directory = directoryOf(snapshotId);
      const manifest = await readManifest(directory);
      return manifest && { snapshotId, directory, manifest };
    },
    async list() {
      const named = await allNames();
      const ids = (await readdir(directories).catch(ifMissing([]))).filter((id) => ID.test(id));
      const all = await Promise.all(
        ids.map((id) => describeSnapshot(id, directoryOf(id), named.get(id) ?? [])),
      );
      return all
        .filter((info) => info !== undefined)
        .toSorted((a, b) => b.createdAt.getTime() - a.createdAt.getTime());
    },
    async name(snapshotId, name) {
      const file = nameFile(name);
      await mkdir(names, { recursive: true, mode: 0o700 });
      const beside = unfinished(names, "new");
      await writeFile(beside, snapshotId, { mode: 0o600, flush: true });
      await rename(beside, file);
      await sync(names);
    },
    async delete(idOrName) {
      const snapshotId = await resolve(idOrName);
      if (snapshotId === undefined) return false;
      if (!(await removeWhole(directoryOf(snapshotId)))) return false;
      for (const name of (await allNames()).get(snapshotId) ?? [])
        await rm(nameFile(name), { force: true });
      return true;
    },
    async unname(name) {
      await rm(nameFile(name), { force: true });
    },
    names: given,
  };
}

async function describeSnapshot(
  snapshotId: string,
  directory: string,
  names: string[],
): Promise<SnapshotInfo | undefined> {
  try {
    const manifest = await readManifest(directory);
    return manifest && snapshotInfo(snapshotId, names, manifest);
  } catch (error) {
    if (!EmberboxError.isInstance(error)) throw error;
    const { mtime } = await stat(directory);
    return { snapshotId, names, createdAt: mtime };
  }
}

export function snapshotInfo(
  snapshotId: string,
  names: readonly string[],
  manifest: Manifest,
): SnapshotInfo {
  return {
    snapshotId,
    names,
    sandboxId: manifest.sandboxId,
    createdAt: new Date(manifest.createdAt),
    sizeBytes: ownBytes(manifest),
  };
}

/** Bytes that it takes besides what it shares with the snapshot below. */
export function ownBytes({ memory, disk }: Manifest): number {
  return (
    disk.at(-1)!.bytes + (memory ? memory.state.bytes + (memory.layers.at(-1)?.bytes ?? 0) : 0)
  );
}

const ifMissing =
  <Value>(value: Value) =>
  (error: NodeJS.ErrnoException): Value => {
    if (error.code === "ENOENT") return value;
    throw error;
  };
