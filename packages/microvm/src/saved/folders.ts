import { statFd } from "../host/descriptors.ts";
import type { LocalSandbox } from "../restore/sandbox.ts";
import { basename, join } from "node:path";
import type { WorkspaceInfo } from "@emberbox/core/workspace";
import {
  baselineName,
  checkImage,
  type FolderImage,
  type FolderImages,
  imageName,
} from "../workspaces/store.ts";
import { keep } from "./base.ts";
import type { Manifest, SavedFolders } from "./manifest.ts";

/** Keeps the image of the host's folders with a saved sandbox, and what is known of them, so that caches can be deleted. */
export async function keepFolders(
  directory: string,
  { source, machine, images }: LocalSandbox,
  workspaces: readonly WorkspaceInfo[] = [],
): Promise<SavedFolders | undefined> {
  const { workspace } = source;
  if (workspace === undefined) return undefined;
  const { path, key } = workspace;
  const fd = machine.files.workspace!;
  await keep([path], fd, join(directory, imageName(key)));
  const digests = workspaces.flatMap(({ baseline, synced }) => [baseline, synced ?? baseline]);
  const files = await images.baselineFiles([...new Set(digests)]);
  for (const file of files) await keep([file], undefined, join(directory, basename(file)));
  const { size: bytes } = await statFd(fd);
  return { key, bytes, baselines: files.map((file) => basename(file, ".baseline")) };
}

/**
 * The image that was saved, which is in the cache again, unless it is somebody else's: then no other sandbox may get it
 * for a folder of this user's. @throws if it is not what was saved
 */
export async function loadFolders(
  directory: string,
  { folders, options }: Pick<Manifest, "folders" | "options">,
  images: FolderImages,
): Promise<FolderImage | undefined> {
  if (folders === undefined) return undefined;
  const { key, bytes, baselines } = folders;
  const path = join(directory, imageName(key));
  await checkImage(path, key, bytes);
  if (options.workspaces === undefined || options.workspaces.some(({ isForeign }) => isForeign))
    return { path, key };
  return images.restore(directory, key, baselines.map(baselineName));
}
