import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { EmberboxError } from "@emberbox/core";
import type { CheckpointInfo, CheckpointKeep } from "@emberbox/core/state";
import { z } from "zod";
import { childOf } from "../host/child.ts";
import { diskBytes } from "../host/disk-bytes.ts";
import { exists } from "../host/exists.ts";
import { randomLetters } from "../host/ids.ts";
import { parseJson } from "../host/json.ts";
import { removeWhole, unfinished } from "../host/unfinished.ts";
import { damaged } from "../restore/damaged.ts";
import { type Manifest, MAX_ANCESTORS, readManifest } from "./manifest.ts";
import { ownBytes, type Snapshot } from "./snapshots.ts";

export const CHECKPOINTS = "checkpoints";
const SANDBOX = /^[a-z0-9]{1,64}$/;
const ID = /^c[a-z0-9]{20}$/;
/** A checkpoint's directory: its sandbox's id, and its own. */
const DIRECTORY = /^([a-z0-9]{1,64})-(c[a-z0-9]{20})$/;

/** Where a sandbox's machine is among its checkpoints, and the program that had it last. */
const position = z.strictObject({
  pid: z.int().positive(),
  /** The checkpoint at which it last was, and those before. */
  at: z.array(z.string().regex(ID)).max(MAX_ANCESTORS),
});
type Position = z.output<typeof position>;

/** Checkpoints on disk: a directory for each below `root`, and a file for each sandbox. */
export interface CheckpointStore {
  newId(): string;
  directoryOf(sandboxId: string, checkpointId: string): string;
  /** @throws `checkpoint_not_found`, `snapshot_damaged`, `snapshot_incompatible` */
  find(sandboxId: string, checkpointId: string): Promise<Snapshot>;
  /** The oldest first. Damaged ones are listed with what is known of them. */
  list(sandboxId: string): Promise<CheckpointInfo[]>;
  /** The checkpoint at which the sandbox's machine last was, and those before it, the latest first. */
  at(sandboxId: string): Promise<readonly string[]>;
  /** Notes where the machine is. */
  moveTo(sandboxId: string, at: readonly string[]): Promise<void>;
  /** Notes that this program has the sandbox now. */
  adopt(sandboxId: string): Promise<void>;
  delete(sandboxId: string, checkpointId: string): Promise<boolean>;
  /** Deletes older ones above the limits, never `current`. */
  prune(sandboxId: string, current: string, keep: CheckpointKeep): Promise<void>;
  /** Deletes all of a sandbox's. */
  clear(sandboxId: string): Promise<void>;
}

export function openCheckpoints(root: string): CheckpointStore {
  const directories = join(root, CHECKPOINTS);
  const directoryOf = (sandboxId: string, id: string): string =>
    childOf(directories, `${sandboxId}-${id}`);
  const idsOf = async (sandboxId: string): Promise<string[]> =>
    (await namesIn(directories)).flatMap((name) => {
      const [, owner, id] = DIRECTORY.exec(name) ?? [];
      return owner === sandboxId ? [id!] : [];
    });
  const write = async (sandboxId: string, at: readonly string[]): Promise<void> => {
    const written: Position = { pid: process.pid, at: at.slice(0, MAX_ANCESTORS) };
    const beside = unfinished(directories, "new");
    await mkdir(directories, { recursive: true, mode: 0o700 });
    await writeFile(beside, JSON.stringify(written), { mode: 0o600, flag: "wx" });
    await rename(beside, childOf(directories, sandboxId));
  };
  const remove = (sandboxId: string, checkpointId: string): Promise<boolean> =>
    removeWhole(directoryOf(sandboxId, checkpointId));
  const store: CheckpointStore = {
    newId: () => `c${randomLetters(20)}`,
    directoryOf,
    async find(sandboxId, checkpointId) {
      const isId = SANDBOX.test(sandboxId) && ID.test(checkpointId);
      const directory = isId ? directoryOf(sandboxId, checkpointId) : "";
      const manifest = isId ? await readManifest(directory) : undefined;
      if (manifest === undefined) throw notFound(sandboxId, checkpointId);
      if (manifest.sandboxId !== sandboxId || !manifest.checkpoint || !manifest.memory)
        throw damaged(directory, new Error("it is not this checkpoint"));
      return { snapshotId: checkpointId, directory, manifest };
    },
    async list(sandboxId) {
      const ids = await idsOf(sandboxId);
      const [found, at] = await Promise.all([
        Promise.all(ids.map((id) => describe(store, sandboxId, id))),
        store.at(sandboxId),
      ]);
      const there = found.filter((each) => each !== undefined);
      const isThere = new Set(there.map(({ info }) => info.checkpointId));
      const current = at.find((id) => isThere.has(id));
      return there
        .map(({ info, ancestors }) => {
          const parentId = ancestors.find((id) => isThere.has(id));
          const isCurrent = info.checkpointId === current;
          return Object.assign(info, parentId && { parentId }, isCurrent && { current: true });
        })
        .toSorted((a, b) => a.createdAt.getTime() - b.createdAt.getTime());
    },
    at: async (sandboxId) => (await readPosition(directories, sandboxId))?.at ?? [],
    moveTo: write,
    async adopt(sandboxId) {
      const found = await readPosition(directories, sandboxId);
      if (found && found.pid !== process.pid) await write(sandboxId, found.at);
    },
    async delete(sandboxId, checkpointId) {
      if (!SANDBOX.test(sandboxId) || !ID.test(checkpointId)) return false;
      return remove(sandboxId, checkpointId);
    },
    async prune(sandboxId, current, { last = Infinity, bytes = Infinity }) {
      const newestFirst = (await store.list(sandboxId)).toReversed();
      // What is deleted first is what was not there just now, however the clock was set.
      newestFirst.sort(
        (a, b) => Number(b.checkpointId === current) - Number(a.checkpointId === current),
      );
      const seen = new Set<number>();
      let [kept, taken] = [0, 0];
      let isOver = false;
      for (const { checkpointId } of newestFirst) {
        taken += await bytesIn(directoryOf(sandboxId, checkpointId), seen);
        isOver ||= kept >= last || taken > bytes;
        if (isOver && checkpointId !== current) await remove(sandboxId, checkpointId);
        else kept++;
      }
    },
    async clear(sandboxId) {
      if (!SANDBOX.test(sandboxId)) return;
      for (const id of await idsOf(sandboxId)) await remove(sandboxId, id);
      await rm(childOf(directories, sandboxId), { force: true });
    },
  };
  return store;
}

/** The ids of sandboxes that have checkpoints. */
export async function sandboxesWithCheckpoints(root: string): Promise<string[]> {
  const names = await namesIn(join(root, CHECKPOINTS));
  return [...new Set(names.flatMap((name) => DIRECTORY.exec(name)?.[1] ?? []))].toSorted();
}

/** What there is of sandboxes that are neither paused nor a running program's: their programs were killed. */
export async function abandonedCheckpoints(root: string): Promise<string[]> {
  const directories = join(root, CHECKPOINTS);
  const names = await namesIn(directories);
  const isLeft = new Map<string, boolean>();
  const found: string[] = [];
  for (const name of names.toSorted()) {
    const sandboxId = SANDBOX.test(name) ? name : DIRECTORY.exec(name)?.[1];
    if (sandboxId === undefined) continue;
    if (!isLeft.has(sandboxId)) isLeft.set(sandboxId, await isAbandoned(root, sandboxId));
    if (isLeft.get(sandboxId)) found.push(join(directories, name));
  }
  return found;
}

/** Whether a sandbox is neither paused nor a running program's. */
export async function isAbandoned(root: string, sandboxId: string): Promise<boolean> {
  if (await exists(join(root, "paused", sandboxId))) return false;
  const { pid } = (await readPosition(join(root, CHECKPOINTS), sandboxId)) ?? {};
  return pid === undefined || !(await exists(`/proc/${pid}`));
}

const notFound = (sandboxId: string, checkpointId: string): EmberboxError =>
  new EmberboxError(
    "checkpoint_not_found",
    `the sandbox \`${sandboxId}\` has no checkpoint \`${checkpointId}\``,
  );

async function describe(
  store: CheckpointStore,
  sandboxId: string,
  checkpointId: string,
): Promise<{ info: CheckpointInfo; ancestors: readonly string[] } | undefined> {
  try {
    const { manifest } = await store.find(sandboxId, checkpointId);
    return { info: checkpointInfo(checkpointId, manifest), ancestors: ancestorsIn(manifest) };
  } catch (error) {
    if (!EmberboxError.isInstance(error)) throw error;
    if (error.code === "checkpoint_not_found") return undefined;
    const stats = await stat(store.directoryOf(sandboxId, checkpointId)).catch(() => undefined);
    if (stats === undefined) return undefined;
    const info = { checkpointId, sandboxId, createdAt: stats.mtime, damaged: true };
    return { info, ancestors: [] };
  }
}

export const ancestorsIn = ({ checkpoint }: Manifest): readonly string[] =>
  checkpoint?.ancestors ?? [];

export function checkpointInfo(checkpointId: string, manifest: Manifest): CheckpointInfo {
  const { label, by } = manifest.checkpoint ?? {};
  return {
    checkpointId,
    sandboxId: manifest.sandboxId,
    ...(label !== undefined && { label }),
    ...(by !== undefined && { by }),
    createdAt: new Date(manifest.createdAt),
    sizeBytes: ownBytes(manifest),
  };
}

async function readPosition(directory: string, sandboxId: string): Promise<Position | undefined> {
  if (!SANDBOX.test(sandboxId)) return undefined;
  const text = await readFile(childOf(directory, sandboxId), "utf8").catch(() => "");
  return position.safeParse(parseJson(text)).data;
}

/** Bytes of files that no directory before had, links to a template's aside. */
async function bytesIn(directory: string, seen: Set<number>): Promise<number> {
  let bytes = 0;
  for (const name of await namesIn(directory)) {
    const stats = await stat(join(directory, name)).catch(() => undefined);
    if (!stats?.isFile() || seen.has(stats.ino)) continue;
    seen.add(stats.ino);
    bytes += diskBytes(stats);
  }
  return bytes;
}

/** Nothing, if there is no such directory. */
const namesIn = (directory: string): Promise<string[]> => readdir(directory).catch(() => []);
