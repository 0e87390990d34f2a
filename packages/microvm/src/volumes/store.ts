import { chmod, mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { EmberboxError, type VolumeInfo } from "@emberbox/core";
import { background, warning } from "@emberbox/core/background";
import { Queue } from "@emberbox/core/concurrency";
import { z } from "zod";
import { childOf } from "../host/child.ts";
import { writeNew } from "../host/durable.ts";
import { parseJson } from "../host/json.ts";
import { unfinished } from "../host/unfinished.ts";
import { Tree } from "./tree.ts";

/** The use of a volume's files, which are open until they are released. */
export interface VolumeLease {
  readonly tree: Tree;
  release(): Promise<void>;
}

export interface VolumeStore {
  /** @throws `volume_exists` */
  create(name: string, sizeMB?: number): Promise<VolumeInfo>;
  list(): Promise<VolumeInfo[]>;
  /** @throws `volume_not_found` */
  get(name: string): Promise<VolumeInfo>;
  /** False when there was none. @throws `volume_in_use` */
  delete(name: string): Promise<boolean>;
  /** @throws `volume_not_found` */
  open(name: string): Promise<VolumeLease>;
}

/** Names are directories of the store's; what is being made or removed begins with a dot. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/;
const FACTS = "volume.json";
const FILES = "files";
const DEFAULT_MB = 10_240;
/** Files, directories and links of a volume. */
const MAX_FILES = 250_000;

const facts = z.strictObject({
  createdAt: z.iso.datetime(),
  sizeMB: z.int().min(1).max(1_048_576),
});

interface OpenVolume {
  readonly tree: Promise<Tree>;
  users: number;
}

/** Volumes below a directory of this user's, each a directory of its name. */
export function openVolumeStore(state: string): VolumeStore {
  const root = join(state, "volumes");
  const opened = new Map<string, OpenVolume>();
  const changes = new Queue();

  const find = async (name: string): Promise<VolumeInfo | undefined> => {
    if (!NAME.test(name)) return undefined;
    const text = await readFile(join(childOf(root, name), FACTS), "utf8").catch(absent);
    if (text === undefined) return undefined;
    const { success, data } = facts.safeParse(parseJson(text));
    if (!success) throw new EmberboxError("volume_not_found", `the volume ${name} is damaged`);
    const { createdAt, sizeMB } = data;
    return { volumeId: name, name, createdAt: new Date(createdAt), sizeMB };
  };
  const get = async (name: string): Promise<VolumeInfo> => {
    const info = await find(name);
    if (info !== undefined) return info;
    throw new EmberboxError("volume_not_found", `there is no volume \`${name}\``);
  };
  const openTree = async (name: string): Promise<Tree> => {
    const { sizeMB } = await get(name);
    const limits = { bytes: sizeMB! * 1024 * 1024, files: MAX_FILES };
    return Tree.open(join(childOf(root, name), FILES), limits);
  };

  return {
    get,
    async create(name, sizeMB = DEFAULT_MB) {
      if (!NAME.test(name))
        throw new EmberboxError("invalid_argument", "a volume's name is letters, digits, _ and -");
      const building = unfinished(root, "new");
      await mkdir(root, { recursive: true, mode: 0o700 });
      await mkdir(building, { mode: 0o700 });
      try {
        const createdAt = new Date();
        await mkdir(join(building, FILES));
        // The sandbox sees these; the directory above is ours alone.
        await chmod(join(building, FILES), 0o755);
        await writeNew(join(building, FACTS), JSON.stringify({ createdAt, sizeMB }));
        await rename(building, childOf(root, name));
        return { volumeId: name, name, createdAt, sizeMB };
      } catch (error) {
        await rm(building, { recursive: true, force: true });
        const { code } = error as NodeJS.ErrnoException;
        if (code !== "ENOTEMPTY" && code !== "EEXIST") throw error;
        throw new EmberboxError("volume_exists", `there is a volume \`${name}\` already`);
      }
    },
    async list() {
      const names = (await readdir(root).catch(absent)) ?? [];
      const found = await Promise.all(names.toSorted().map((name) => find(name).catch(absent)));
      return found.filter((info) => info !== undefined);
    },
    delete: (name) =>
      changes.run(async () => {
        if ((await find(name)) === undefined) return false;
        if (opened.has(name))
          throw new EmberboxError("volume_in_use", `a sandbox has the volume \`${name}\` mounted`);
        const gone = unfinished(root, "gone");
        await rename(childOf(root, name), gone);
        background(rm(gone, { recursive: true, force: true }), warning("Removing a volume"));
        return true;
      }),
    open: (name) =>
      changes.run(async () => {
        const volume = opened.get(name) ?? { tree: openTree(name), users: 0 };
        volume.users++;
        opened.set(name, volume);
        const release = (): Promise<void> =>
          changes.run(async () => {
            if (--volume.users > 0) return;
            opened.delete(name);
            await (await volume.tree).close();
          });
        try {
          return { tree: await volume.tree, release };
        } catch (error) {
          volume.users--;
          opened.delete(name);
          throw error;
        }
      }),
  };
}

/** Nothing, where there is nothing. */
function absent(error: unknown): undefined {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "ENOENT" || EmberboxError.isInstance(error)) return undefined;
  throw error;
}
