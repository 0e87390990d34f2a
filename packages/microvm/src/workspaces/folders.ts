import { join } from "node:path";
import { EmberboxError } from "@emberbox/core";
import { findIgnored, type WorkspaceInfo, type WorkspaceMount } from "@emberbox/core/workspace";
import type { GuestWorkspace } from "@emberbox/wire";
import type { MountedVolume, SavedMount } from "../volumes/channel.ts";
import { closeMounts } from "../volumes/mounts.ts";
import { Tree } from "../volumes/tree.ts";
import {
  type FolderImage,
  type FolderImages,
  folderKey,
  type ObtainOptions,
  openFolderImages,
} from "./store.ts";

/** Folders of this machine that sandboxes work on. */
export interface Folders {
  readonly images: FolderImages;
  /** Makes folders ready for a new sandbox. */
  bring(
    mounts: readonly WorkspaceMount[],
    options: ObtainOptions,
  ): Promise<{
    readonly workspaces: readonly WorkspaceInfo[];
    readonly folderImage: FolderImage | undefined;
  }>;
  /**
   * Opens those that a sandbox works on itself, all or none. Of what is not this user's, only those that this program
   * was given for a sandbox. @throws `unsupported`
   */
  openLive(
    workspaces: readonly WorkspaceInfo[],
    saved?: readonly SavedMount[],
  ): Promise<MountedVolume[]>;
}

/** Below the home: a cache. */
export const FOLDERS = "workspaces";
/** What a sandbox may add to a folder that it works on itself. */
const LIVE_LIMITS = { bytes: 10 * 1024 ** 3, files: 1_000_000 };

export function openFolders(home: string): Folders {
  const images = openFolderImages(join(home, FOLDERS));
  /** What stays out of folders that sandboxes work on themselves. */
  const filters = new Map<string, WorkspaceMount["isIgnored"]>();
  return {
    images,
    async bring(mounts, how) {
      const folders = mounts.map((mount, number) => {
        const { host, baseline } = mount;
        return { host, baseline, number, mode: mount.mode, key: folderKey(mount) };
      });
      const copied = folders.filter(({ mode }) => mode !== "live");
      const folderImage = copied.length > 0 ? await images.obtain(copied, how) : undefined;
      const workspaces = mounts.map(({ host, guest, mode, isIgnored, options }, number) => {
        const info = { host, guest, mode, baseline: folders[number]!.key, options };
        if (mode === "live") filters.set(filterOf(info), isIgnored);
        return info;
      });
      return { workspaces, folderImage };
    },
    async openLive(workspaces, saved = []) {
      const mounts: MountedVolume[] = [];
      try {
        for (const workspace of workspaces) {
          if (workspace.mode !== "live") continue;
          const { guest: path, host } = workspace;
          const known = filters.get(filterOf(workspace));
          if (known === undefined && workspace.isForeign) throw notGiven(host);
          const hides = known ?? (await findIgnored(workspace));
          filters.set(filterOf(workspace), hides);
          const nodes = saved.find((mount) => mount.path === path)?.nodes;
          const tree = await Tree.openAsItIs(host, LIVE_LIMITS);
          mounts.push({ path, nodes, hides, lease: { tree, release: () => tree.close() } });
        }
        return mounts;
      } catch (error) {
        await closeMounts(mounts);
        throw error;
      }
    },
  };
}

const notGiven = (host: string): EmberboxError =>
  new EmberboxError(
    "unsupported",
    `somebody else's snapshot is of a sandbox that worked on ${host} itself, which this program has given to none`,
    {
      hint: "Create a sandbox with that folder first, or take the snapshot of one in another mode.",
    },
  );

/** What a folder's filter is found by. */
const filterOf = ({ host, baseline }: Pick<WorkspaceInfo, "host" | "baseline">): string =>
  `${baseline} ${host}`;

/** Those that the machine has a copy of. */
export const copiedOf = (workspaces: readonly WorkspaceInfo[] = []): GuestWorkspace[] =>
  workspaces.flatMap(({ guest: path, mode }, number) =>
    mode === "live" ? [] : [{ number, path, isWritable: mode === "review" }],
  );
