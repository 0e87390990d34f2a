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
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type GuestWorkspace, WORKSPACE_SERIAL } from "@emberbox/wire";
import { blockDevice } from "./block-devices.ts";
import { makeMountPoint, MountFlags, mountAt, unmountAt } from "./mount.ts";
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

type Control = (fd: number, request: number, argument: number) => number;
let device: string | undefined;
let control: Control | undefined;

/** What the kernel has read of the device while it was empty is forgotten. */
function openDevice(): string {
  device ??= blockDevice(WORKSPACE_SERIAL);
  control ??= native().load(null).func("int ioctl(int, unsigned long, int)") as Control;
  const fd = openSync(device, "r");
  try {
    control(fd, BLKFLSBUF, 0);
  } finally {
    closeSync(fd);
  }
  return device;
}

function mountImage(): void {
  const place = join(IMAGE, "folders");
  mkdirSync(place, { recursive: true });
  mountAt(openDevice(), place, "ext4", readOnly | noSuid | noDevices, "noload");
}

function mountOne(workspace: GuestWorkspace): MountedWorkspace {
  const { number, path, isWritable } = workspace;
  const original = join(IMAGE, "folders", String(number));
  makeMountPoint(path);
  if (isWritable) {
    mkdirSync(CHANGES, { recursive: true, mode: OTHERS_STAY_OUT });
    return { ...workspace, original, changed: mountCopy(original, path, `${CHANGES}/${number}`) };
  }
  mountAt(original, path, "", bind, null);
  return { ...workspace, original, changed: join(CHANGES, String(number), "changed") };
}

/** Mounts what can be written; what is, is in the directory whose path is returned. */
function mountCopy(original: string, path: string, own: string): string {
  const changed = join(own, "changed");
  const work = join(own, "work");
  mkdirSync(work, { recursive: true, mode: OTHERS_STAY_OUT });
  if (lstatSync(changed, { throwIfNoEntry: false }) === undefined) makeLike(original, changed);
  const options = "redirect_dir=off,index=off,metacopy=off,xino=off";
  const data = `lowerdir=${original},upperdir=${changed},workdir=${work},${options}`;
  mountAt("emberbox-workspace", path, "overlay", noSuid | noDevices, data);
  return changed;
}

/**
 * Does with directories of its own what is done with folders, so that what that takes is loaded and compiled before a
 * machine is saved.
 */
export async function rehearseWorkspaces(
  look: (workspace: MountedWorkspace) => Promise<void>,
): Promise<void> {
  const own = join(IMAGE, "rehearsal");
  mkdirSync(IMAGE, { recursive: true, mode: OTHERS_STAY_OUT });
  try {
    const [original, path] = [join(own, "original"), join(own, "place")];
    mkdirSync(join(original, "directory"), { recursive: true });
    openDevice();
    makeMountPoint(path);
    const changed = mountCopy(original, path, own);
    try {
      writeFileSync(join(path, "directory", "file"), "changed");
      await look({ number: 0, path, isWritable: true, original, changed });
    } finally {
      unmountAt(path);
    }
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
}

/** The upper directory is what programs see of the folder itself. */
function makeLike(original: string, path: string): void {
  const { mode, uid, gid, atime, mtime } = lstatSync(original);
  mkdirSync(path);
  chownSync(path, uid, gid);
  chmodSync(path, mode & 0o7777);
  utimesSync(path, atime, mtime);
}
