import { readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { EmberboxError } from "@emberbox/core";
import { childOf } from "../host/child.ts";
import { exists } from "../host/exists.ts";
import { withLock } from "../host/lock.ts";
import { unfinished } from "../host/unfinished.ts";
import { damaged } from "../restore/damaged.ts";
import { type Manifest, readManifest } from "./manifest.ts";

const ID = /^[a-z0-9]{1,64}$/;
export const isPausedId = (name: string): boolean => ID.test(name);

/** How long a sandbox stays paused unless its options say otherwise, in ms: a week. */
const PAUSED_TTL_MS = 7 * 24 * 3_600_000;

/** When a paused sandbox may be removed; `undefined` for never. */
export function expiryOf({
  createdAt,
  options,
}: Pick<Manifest, "createdAt" | "options">): Date | undefined {
  const ttl = options.lifecycle?.pausedTtlMs ?? PAUSED_TTL_MS;
  return ttl === false ? undefined : new Date(Date.parse(createdAt) + ttl);
}

/** Paused sandboxes on disk: one directory each, which is gone when the sandbox runs again. */
export interface PausedStore {
  directoryOf(sandboxId: string): string;
  find(sandboxId: string): Promise<Manifest | undefined>;
  /** Whether it is there, whole or damaged. */
  has(sandboxId: string): Promise<boolean>;
  list(): Promise<Manifest[]>;
  /**
   * Does work with a paused sandbox, exclusively, across all programs; afterwards it is no longer paused. If the work
   * fails, it still is. Resolves to `undefined` when it is not there.
   */
  take<T>(
    sandboxId: string,
    work: (directory: string, manifest: Manifest) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T | undefined>;
  /** Does work with a paused sandbox, exclusively, which stays paused. `undefined` when it is not there. */
  change<T>(
    sandboxId: string,
    work: (directory: string, manifest: Manifest) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T | undefined>;
  /** Makes sure that nothing is in the way of a sandbox that is about to be paused. */
  clear(sandboxId: string): Promise<void>;
  /** Removes a paused sandbox, whole or damaged. False when there is none. */
  delete(sandboxId: string): Promise<boolean>;
  /** Those that have been paused for longer than they are kept. */
  expired(): Promise<string[]>;
  /** Removes a paused sandbox if it has expired, and nobody is just resuming it. */
  expire(sandboxId: string): Promise<boolean>;
}

export function openPaused(root: string): PausedStore {
  const directories = join(root, "paused");
  const directoryOf = (id: string): string => childOf(directories, id);
  /** For others it is gone at once, whatever happens while its files are removed. */
  const hide = async (sandboxId: string): Promise<string> => {
    const gone = unfinished(directories, "gone");
    await rename(directoryOf(sandboxId), gone);
    return gone;
  };
  const locked = <T>(
    sandboxId: string,
    work: () => Promise<T>,
    signal?: AbortSignal,
    onWait?: () => void,
  ): Promise<T> => withLock(join(directoryOf(sandboxId), "lock"), work, { signal, onWait });
  const store: PausedStore = {
    directoryOf,
    async find(sandboxId) {
      if (!ID.test(sandboxId)) return undefined;
      const directory = directoryOf(sandboxId);
      const manifest = await readManifest(directory);
      if (manifest && manifest.sandboxId !== sandboxId)
        throw damaged(directory, new Error("it is another sandbox's"));
      return manifest;
    },
    has: async (sandboxId) => ID.test(sandboxId) && exists(directoryOf(sandboxId)),
    async list() {
      const ids = await readdir(directories).catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return [];
        throw error;
      });
      const found = await Promise.all(
        ids.filter((id) => ID.test(id)).map((id) => store.find(id).catch(ifUnreadable)),
      );
      return found.filter((manifest) => manifest !== undefined);
    },
    take: (sandboxId, work, signal) =>
      store.change(
        sandboxId,
        async (directory, manifest) => {
          const result = await work(directory, manifest);
          // Nobody has to wait while its memory is removed; the next program removes what is left of it.
          rm(await hide(sandboxId), { recursive: true, force: true }).catch(() => {});
          return result;
        },
        signal,
      ),
    async change(sandboxId, work, signal) {
      if (!(await store.find(sandboxId))) return undefined;
      return locked(
        sandboxId,
        async () => {
          // Somebody else may have had it in the meantime.
          const manifest = await store.find(sandboxId);
          if (manifest) return work(directoryOf(sandboxId), manifest);
          await rm(directoryOf(sandboxId), { recursive: true, force: true });
          return undefined;
        },
        signal,
      );
    },
    async clear(sandboxId) {
      await rm(directoryOf(sandboxId), { recursive: true, force: true });
    },
    async delete(sandboxId) {
      if (!ID.test(sandboxId) || !(await exists(directoryOf(sandboxId)))) return false;
      return locked(sandboxId, async () => {
        const there = await exists(join(directoryOf(sandboxId), "manifest.json"));
        // Another program may have resumed it in the meantime.
        if (await exists(directoryOf(sandboxId)))
          await rm(await hide(sandboxId), { recursive: true, force: true });
        return there;
      });
    },
    async expired() {
      return (await store.list()).filter(hasExpired).map(({ sandboxId }) => sandboxId);
    },
    async expire(sandboxId) {
      const busy = new AbortController();
      try {
        return await locked(
          sandboxId,
          async () => {
            const manifest = await store.find(sandboxId);
            // It may have been resumed meanwhile, and even paused again.
            if (manifest && !hasExpired(manifest)) return false;
            await rm(await hide(sandboxId), { recursive: true, force: true });
            return manifest !== undefined;
          },
          busy.signal,
          () => busy.abort(),
        );
      } catch (error) {
        if (busy.signal.aborted) return false;
        throw error;
      }
    },
  };
  return store;
}

const hasExpired = (manifest: Manifest): boolean => {
  const expiry = expiryOf(manifest);
  return expiry !== undefined && expiry.getTime() <= Date.now();
};

/** A damaged one is reported when it is asked for; it does not get in the way of the others. */
function ifUnreadable(error: unknown): undefined {
  if (!EmberboxError.isInstance(error)) throw error;
}
