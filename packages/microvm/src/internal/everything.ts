import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { requireOwnDirectory } from "../host/own-directory.ts";
import { paths } from "../host/paths.ts";
import { pausedInfo } from "../provider/sandbox-info.ts";
import { isAbandoned, openCheckpoints, sandboxesWithCheckpoints } from "../saved/checkpoints.ts";
import { isPausedId, openPaused, type PausedStore } from "../saved/paused.ts";
import { openSnapshots } from "../saved/snapshots.ts";
import { findPrograms, type Program } from "./programs.ts";

/** A sandbox, or what was saved of one. */
export interface Listed {
  readonly kind: "running" | "paused" | "snapshot" | "checkpoint";
  readonly id: string;
  /** When it was created, paused or taken; unknown of what is damaged. */
  readonly since?: Date | undefined;
  /** When it is killed, paused, or removed from the disk. */
  readonly until?: Date | undefined;
  /** On disk, beyond what it shares. */
  readonly sizeBytes?: number | undefined;
  readonly memoryMB?: number | undefined;
  readonly template?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** Of a snapshot. */
  readonly names?: readonly string[] | undefined;
  /** The sandbox that a snapshot or a checkpoint was taken of. */
  readonly of?: string | undefined;
  /** What a checkpoint is called. */
  readonly label?: string | undefined;
  /** Who asked for a checkpoint. */
  readonly by?: string | undefined;
  /** Its sandbox is at this checkpoint, or went on from it. */
  readonly current?: boolean | undefined;
  /** The program that had the checkpoint's sandbox was killed. */
  readonly abandoned?: true | undefined;
  /** Who runs it. */
  readonly program?: Program | undefined;
  /** Why it can only be removed. */
  readonly problem?: string | undefined;
}

/**
 * All that there is of sandboxes in this user's home, running ones first, each kind from old to new; checkpoints by
 * sandbox, last.
 */
export async function listEverything(): Promise<Listed[]> {
  const { state } = paths();
  requireOwnDirectory(state);
  const found = await Promise.all([running(), pausedIn(state), snapshotsIn(state)]);
  const sorted = found.flatMap((some) =>
    some.toSorted((a, b) => (a.since?.getTime() ?? 0) - (b.since?.getTime() ?? 0)),
  );
  return [...sorted, ...(await checkpointsIn(state))];
}

async function checkpointsIn(state: string): Promise<Listed[]> {
  const store = openCheckpoints(state);
  const listed: Listed[] = [];
  for (const sandboxId of await sandboxesWithCheckpoints(state)) {
    const abandoned = (await isAbandoned(state, sandboxId)) ? true : undefined;
    for (const checkpoint of await store.list(sandboxId)) {
      const { checkpointId, createdAt, sizeBytes, label, by, current, damaged } = checkpoint;
      listed.push({
        kind: "checkpoint",
        id: checkpointId,
        since: createdAt,
        sizeBytes,
        of: sandboxId,
        label,
        by,
        current,
        abandoned,
        ...(damaged && { problem: "it is damaged" }),
      });
    }
  }
  return listed;
}

async function running(): Promise<Listed[]> {
  const doors = await findPrograms();
  return doors.flatMap(({ sandboxes }) =>
    sandboxes.map(({ sandboxId, template, metadata, startedAt, endAt, memoryMB, program }) => ({
      kind: "running",
      id: sandboxId,
      since: startedAt,
      until: endAt,
      memoryMB,
      template,
      metadata,
      program,
    })),
  );
}

async function pausedIn(state: string): Promise<Listed[]> {
  const store = openPaused(state);
  const infos = (await store.list()).map(pausedInfo);
  const known = new Set(infos.map(({ sandboxId }) => sandboxId));
  const names = await readdir(join(state, "paused")).catch(() => []);
  const others = names.filter((name) => isPausedId(name) && !known.has(name));
  const damaged = await Promise.all(others.map((id) => problemOf(store, id)));
  const whole = infos.map(
    ({ sandboxId, endAt, expiresAt, sizeBytes, memoryMB, template, metadata }): Listed => ({
      kind: "paused",
      id: sandboxId,
      since: endAt,
      until: expiresAt,
      sizeBytes,
      memoryMB,
      template,
      metadata,
    }),
  );
  return [...whole, ...damaged.filter((one) => one !== undefined)];
}

/** `undefined` for what was resumed meanwhile, and for what a resume that was interrupted has left. */
async function problemOf(store: PausedStore, id: string): Promise<Listed | undefined> {
  try {
    await store.find(id);
    return undefined;
  } catch (error) {
    return { kind: "paused", id, problem: (error as Error).message };
  }
}

async function snapshotsIn(state: string): Promise<Listed[]> {
  const all = await openSnapshots(state).list();
  return all.map(({ snapshotId, sandboxId, createdAt, sizeBytes, names }) => ({
    kind: "snapshot",
    id: snapshotId,
    since: createdAt,
    sizeBytes,
    names,
    of: sandboxId,
  }));
}
