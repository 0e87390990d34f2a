import type { MountedVolume, SavedMount } from "./channel.ts";
import type { VolumeStore } from "./store.ts";

/** Opens the volumes of a sandbox, all or none. @throws `volume_not_found` */
export async function openMounts(
  store: VolumeStore,
  volumes: Readonly<Record<string, string>> = {},
  saved: readonly SavedMount[] = [],
): Promise<MountedVolume[]> {
  const mounts: MountedVolume[] = [];
  try {
    for (const [path, volumeId] of Object.entries(volumes)) {
      const nodes = saved.find((mount) => mount.path === path)?.nodes;
      mounts.push({ path, nodes, lease: await store.open(volumeId) });
    }
    return mounts;
  } catch (error) {
    await closeMounts(mounts);
    throw error;
  }
}

/** For those that no machine was given. */
export async function closeMounts(mounts: readonly MountedVolume[]): Promise<void> {
  for (const { lease } of mounts) await lease.release();
}
