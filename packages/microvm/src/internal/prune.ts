import { lstat, readdir, rmdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type Architecture, architectures } from "../host/architecture.ts";
import { diskBytes } from "../host/disk-bytes.ts";
import { requireOwnDirectory } from "../host/own-directory.ts";
import { unusedBuilds } from "../build/unused.ts";
import { lockOfContainers, unusedContainers } from "../container/store.ts";
import { withLock } from "../host/lock.ts";
import { type Paths, paths as pathsIn } from "../host/paths.ts";
import { findProgram } from "../host/programs.ts";
import { findImage, type GuestImage, lockOfImages, removeBuild } from "../image/index.ts";
import { templateNames } from "../image/recipe.ts";
import { BASES } from "../saved/base.ts";
import { abandonedCheckpoints, CHECKPOINTS } from "../saved/checkpoints.ts";
import { openPaused } from "../saved/paused.ts";
import { currentKeys, lockOfTemplates } from "../template/store.ts";
import { shapeOf } from "../template/template.ts";
import { programsIn } from "../provider/program-socket.ts";
import { FOLDERS } from "../workspaces/folders.ts";
import { unusedFolders } from "../workspaces/unused.ts";
import { openPaths, programsUsing } from "./in-use.ts";

/** What to remove, and who is told when that has to wait. */
export interface PruneOptions {
  /** Also what is in use by this version: all images, templates, paused sandboxes and snapshots. @default false */
  readonly all?: boolean | undefined;
  /** Only what builds of templates have left; excludes `all`. @default false */
  readonly builds?: boolean | undefined;
  /** Only says what would be removed. @default false */
  readonly dryRun?: boolean | undefined;
  /** Called once if another program is building or warming, which is waited for. */
  readonly onWait?: (() => void) | undefined;
  /** Ends the work between two removals. */
  readonly signal?: AbortSignal | undefined;
}

/** Something that was, or would be, removed. */
export interface Pruned {
  /** Absolute; a directory with all that is in it, or a file. */
  readonly path: string;
  /** On disk. */
  readonly bytes: number;
}

/**
 * Removes images and templates that this version does not use, what builds of templates have left for later ones, images
 * of folders that no sandbox has or had in the last day, sandboxes that were paused for longer than they are kept, and
 * what killed programs left of all that, checkpoints among it.
 * Sandboxes that run keep what they have open. Everything is only removed while no
 * program uses any of it.
 */
export async function prune(options: PruneOptions = {}): Promise<readonly Pruned[]> {
  const { all = false, builds = false, dryRun = false, onWait, signal } = options;
  const paths = pathsIn();
  for (const path of Object.values(paths) as string[]) requireOwnDirectory(path);
  const work = async (): Promise<readonly Pruned[]> => {
    const find = (): Promise<string[]> =>
      builds ? leftByBuilds(paths) : all ? everything(paths) : unused(paths);
    const found = await sized(await find());
    if (dryRun) return found;
    if (all) await requireUnused(paths);
    const paused = openPaused(paths.state);
    for (const { path } of found) {
      signal?.throwIfAborted();
      if (!all && dirname(path) === join(paths.state, "paused"))
        await paused.expire(basename(path));
      else await removeBuild(path);
    }
    if (all)
      // Only those that are empty now.
      for (const path of [paths.images, paths.templates, paths.run, paths.state, paths.home])
        await rmdir(path).catch(() => {});
    return found;
  };
  if (dryRun) return work();
  const waiting = { onWait, signal };
  const locks = [
    lockOfContainers(paths.images),
    lockOfImages(paths.images),
    lockOfTemplates(paths.templates),
  ];
  const locked = locks.reduceRight<() => Promise<readonly Pruned[]>>(
    (then, lock) => () => withLock(lock, then, waiting),
    work,
  );
  return locked();
}

/** The names of what is made in each directory; whatever else is there is somebody else's. */
const IMAGE = /^debian-\d+(-r)?(-arm64)?-[0-9a-f]{16}$|^\.building-\w+$/;
const LOCK = /^\.(containers\.)?lock$|^warming\.lock$/;
const SCRATCH = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const STATE = new RegExp(
  `^(paused|snapshots|${CHECKPOINTS}|forks|names|templates|layers|shapes|${BASES})$`,
);
const HOME = new RegExp(`^(server|${FOLDERS}|accelerator\\.json(\\.\\d+)?|cold-boot-\\w{6})$`);

/** Sandboxes that run could not be paused any more, and a server would go on with records that are gone. */
async function requireUnused({ home, state }: Paths): Promise<void> {
  const isOurs = (path: string): boolean =>
    [home, state].some((directory) => path.startsWith(`${directory}/`)) &&
    !LOCK.test(basename(path));
  const programs = (await programsUsing(isOurs)).map(({ name, pid }) => `${name} (process ${pid})`);
  if (programs.length === 0) return;
  throw new Error(`it is in use by ${programs.join(", ")}\nEnd that first; nothing was removed.`);
}

const leftByBuilds = async ({ images, state }: Paths): Promise<string[]> => [
  ...(await unusedContainers(images)),
  ...(await unusedBuilds(state)),
];

async function everything({ images, templates, run, state, home }: Paths): Promise<string[]> {
  const found = [
    matching(images, (name) => IMAGE.test(name) || LOCK.test(name)),
    unusedContainers(images),
    matching(templates, (name) => shapeOf(name) !== undefined || LOCK.test(name)),
    matching(run, (name) => SCRATCH.test(name) || name === basename(programsIn(run))),
    matching(state, (name) => STATE.test(name)),
    matching(home, (name) => HOME.test(name)),
  ];
  return (await Promise.all(found)).flat();
}

async function matching(directory: string, isOurs: (name: string) => boolean): Promise<string[]> {
  const names = await readdir(directory).catch(() => []);
  return names
    .filter(isOurs)
    .toSorted()
    .map((name) => join(directory, name));
}

async function unused(paths: Paths): Promise<string[]> {
  const kinds = Object.keys(architectures) as Architecture[];
  const images = Object.fromEntries(
    await Promise.all(kinds.map(async (kind) => [kind, await usedImages(paths.images, kind)])),
  ) as Images;
  const used = new Set(Object.values(images).flatMap((some) => some.map((one) => one.directory)));
  const all = await matching(paths.images, (name) => IMAGE.test(name));
  return [
    ...all.filter((path) => !used.has(path)),
    ...(await unusedTemplates(paths.templates, images)),
    ...(await leftByBuilds(paths)),
    ...(await unusedFolders(join(paths.home, FOLDERS), await openPaths())),
    ...(await abandonedCheckpoints(paths.state)),
    ...(await expiredIn(paths)),
  ];
}

async function expiredIn({ state }: Paths): Promise<string[]> {
  const paused = openPaused(state);
  return (await paused.expired()).map((sandboxId) => paused.directoryOf(sandboxId));
}

/** The images of this version that are there. */
type Images = Readonly<Record<Architecture, readonly GuestImage[]>>;

async function usedImages(images: string, kind: Architecture): Promise<GuestImage[]> {
  const found = await Promise.all(templateNames.map((name) => findImage(images, name, kind)));
  return found.filter((image) => image !== undefined);
}

async function unusedTemplates(templates: string, images: Images): Promise<string[]> {
  // Without its QEMU nobody can tell of a template.
  const paths = await matching(templates, (name) => qemuOf(name) !== undefined);
  const requests = paths.flatMap((path) => {
    const name = basename(path);
    const [shape, qemu] = [shapeOf(name)!, qemuOf(name)!];
    return images[shape.architecture].map((image) => ({ templates, image, shape, qemu }));
  });
  const used = await currentKeys(requests);
  return paths.filter((path) => !used.includes(basename(path, ".lock")));
}

/** The installed QEMU that a template is for. */
function qemuOf(template: string): string | undefined {
  const shape = shapeOf(template);
  return shape && findProgram(architectures[shape.architecture].qemu);
}

/** A file that is somewhere else, too, takes no space that its removal would give back. */
async function sized(paths: readonly string[]): Promise<Pruned[]> {
  const links = new Map<string, number>();
  const bytesIn = async (path: string): Promise<number> => {
    const stats = await lstat(path).catch(() => undefined);
    if (stats === undefined) return 0;
    const own = diskBytes(stats);
    if (!stats.isDirectory()) {
      const file = `${stats.dev}:${stats.ino}`;
      const seen = (links.get(file) ?? 0) + 1;
      links.set(file, seen);
      return seen === stats.nlink ? own : 0;
    }
    let bytes = own;
    for (const name of await readdir(path).catch(() => []))
      bytes += await bytesIn(join(path, name));
    return bytes;
  };
  const found: Pruned[] = [];
  for (const path of paths) found.push({ path, bytes: await bytesIn(path) });
  return found;
}
