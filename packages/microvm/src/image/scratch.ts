import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readlink,
  rm,
  rmdir,
  stat,
  symlink,
} from "node:fs/promises";
import { join } from "node:path";
import { EmberboxError } from "@emberbox/core";
import { runBuilder } from "./builder.ts";

/**
 * Where the guest is unpacked: unlike a home, apt's account and the user's subordinate ids must be able to enter it.
 */
export const SCRATCH_PARENT = "/var/tmp";
const PREFIX = ".building-";
const LINK = "scratch";
const SCRATCH_NAME = /^\/var\/tmp\/emberbox-build-[A-Za-z0-9]{6}$/;

export interface Scratch {
  /** Beside the finished images, and renamed to one of them at the end. */
  readonly result: string;
  /** Thrown away in the end. */
  readonly work: string;
}

/** A directory for what will be an image. If this program is killed, `removeStale` finds it. */
export const makeResult = (images: string): Promise<string> => mkdtemp(join(images, PREFIX));

export async function makeScratch(images: string): Promise<Scratch> {
  const result = await makeResult(images);
  await requireSticky(SCRATCH_PARENT);
  const work = await mkdtemp(join(SCRATCH_PARENT, "emberbox-build-"));
  await symlink(work, join(result, LINK));
  await chmod(work, 0o755);
  await mkdir(join(work, "payload"));
  return { result, work };
}

/** Removes the unpacked guest, and with it the mark that `result` is not finished. */
export async function removeWork(scratch: Scratch): Promise<void> {
  await removeTree(scratch.work);
  await rm(join(scratch.result, LINK), { force: true });
}

/** Removes what a build made, finished or not. */
export async function removeBuild(result: string): Promise<void> {
  const work = await readlink(join(result, LINK)).catch(() => undefined);
  if (work !== undefined && SCRATCH_NAME.test(work)) await removeTree(work);
  await rm(result, { recursive: true, force: true });
}

/** Removes what dead builders left. The caller holds the lock. */
export async function removeStale(images: string): Promise<void> {
  for (const name of await readdir(images)) {
    if (name.startsWith(PREFIX)) await removeBuild(join(images, name));
  }
}

/** Files of the guest belong to the user's subordinate ids: inside their namespace the user is root. */
export function asGuestRoot(command: readonly string[]): readonly string[] {
  return process.getuid?.() === 0 ? command : ["mmdebstrap", "--unshare-helper", ...command];
}

/** Without the sticky bit, any user could replace what is built there. */
async function requireSticky(directory: string): Promise<void> {
  const { mode, uid } = await stat(directory);
  const isShared = (mode & 0o022) !== 0;
  const isSticky = (mode & 0o1000) !== 0;
  if ((!isShared || isSticky) && (uid === 0 || uid === process.getuid?.())) return;
  throw new EmberboxError(
    "image_build_failed",
    `${directory} lets its users remove each other's files`,
    {
      hint: `sudo chown root ${directory} && sudo chmod 1777 ${directory}`,
    },
  );
}

/** A cleaner of temporary files may have removed the directory, and somebody else taken its name. */
const isOwn = async (work: string): Promise<boolean> => {
  const stats = await lstat(work).catch(() => undefined);
  return stats?.isDirectory() === true && stats.uid === process.getuid?.();
};

async function removeTree(work: string): Promise<void> {
  if (!(await isOwn(work))) return;
  // Never into another file system: a mount that was left behind may be the host's own /dev.
  const remove = ["find", work, "-xdev", "-mindepth", "1", "-delete"];
  await runBuilder(asGuestRoot(remove), { cwd: "/" }).catch(() => {});
  await runBuilder(remove, { cwd: "/" }).catch(() => {});
  await rmdir(work).catch(() => {});
}
