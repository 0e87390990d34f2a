import {
  appendFileSync,
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  utimesSync,
} from "node:fs";
import { join } from "node:path";
import { type GuestWorkspace, WORKSPACE_SERIAL } from "@emberbox/wire";
import { blockDevice } from "./block-devices.ts";
import { makeMountPoint, MountFlags, mountAt } from "./mount.ts";
import { native } from "./native.ts";

/** A folder of the host's, with the places that only root may enter. */
export interface MountedWorkspace extends GuestWorkspace {
  /** The folder as it came. */
  readonly original: string;
  /** What was changed: overlayfs's upper directory. */
  readonly changed: string;
}

const OTHERS_STAY_OUT = 0o700;
const IMAGE = "/run/e2b/workspaces";
/** On the sandbox's own disk, so that changes are where everything else is that it has written. */
const CHANGES = "/var/lib/emberbox/workspaces";
const { noSuid, noDevices, readOnly, bind } = MountFlags;
const BLKFLSBUF = 0x1261;
/**
 * Git looks at files by the times and sizes in its index, which are the host's. What else it compares (numbers of files
 * and devices, owners, when an inode was changed) is of another machine, and it would read every file anew.
 */
const GIT_SETTINGS = "/etc/gitconfig";
const GIT_TRUSTS = "[core]\n\tcheckStat = minimal\n\ttrustctime = false\n";

let mounted: readonly MountedWorkspace[] = [];

export const mountedWorkspaces = (): readonly MountedWorkspace[] => mounted;

/** Mounts the host's folders. In a copy of a machine they are mounted already. */
export function mountWorkspaces(workspaces: readonly GuestWorkspace[]): void {
  if (mounted.length > 0 || workspaces.length === 0) return;
  mkdirSync(IMAGE, { recursive: true, mode: OTHERS_STAY_OUT });
  mountImage();
  mounted = workspaces.map(mountOne);
  tellGit();
}

function tellGit(): void {
  const settings = existsSync(GIT_SETTINGS) ? readFileSync(GIT_SETTINGS, "utf8") : "";
  if (!settings.includes(GIT_TRUSTS)) appendFileSync(GIT_SETTINGS, `\n${GIT_TRUSTS}`);
}

/** What the kernel has read of the device while it was empty is forgotten. */
function mountImage(): void {
  const device = blockDevice(WORKSPACE_SERIAL);
  const fd = openSync(device, "r");
  try {
    const control = native().load(null).func("int ioctl(int, unsigned long, int)");
    (control as (...values: unknown[]) => number)(fd, BLKFLSBUF, 0);
  } finally {
    closeSync(fd);
  }
  const place = join(IMAGE, "folders");
  mkdirSync(place, { recursive: true });
  mountAt(device, place, "ext4", readOnly | noSuid | noDevices, "noload");
}

function mountOne(workspace: GuestWorkspace): MountedWorkspace {
  const { number, path, isWritable } = workspace;
  const original = join(IMAGE, "folders", String(number));
  const own = join(CHANGES, String(number));
  const changed = join(own, "changed");
  makeMountPoint(path);
  if (isWritable) {
    const work = join(own, "work");
    mkdirSync(CHANGES, { recursive: true, mode: OTHERS_STAY_OUT });
    mkdirSync(work, { recursive: true, mode: OTHERS_STAY_OUT });
    if (lstatSync(changed, { throwIfNoEntry: false }) === undefined) makeLike(original, changed);
    const options = "redirect_dir=off,index=off,metacopy=off,xino=off";
    const data = `lowerdir=${original},upperdir=${changed},workdir=${work},${options}`;
    mountAt("emberbox-workspace", path, "overlay", noSuid | noDevices, data);
  } else {
    mountAt(original, path, "", bind, null);
  }
  return { ...workspace, original, changed };
}

/** The upper directory is what programs see of the folder itself. */
function makeLike(original: string, path: string): void {
  const { mode, uid, gid, atime, mtime } = lstatSync(original);
  mkdirSync(path);
  chownSync(path, uid, gid);
  chmodSync(path, mode & 0o7777);
  utimesSync(path, atime, mtime);
}
