import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readlinkSync,
} from "node:fs";
import type { BaselineEntry } from "@emberbox/core/workspace";
import { isName } from "../volumes/protocol.ts";
import type { Run } from "./ext4.ts";
import { FileSystem, type Node } from "./file-system.ts";

/** A folder of the host's, and what is to come along of it. */
export interface Folder {
  readonly host: string;
  /** Its name in the image. */
  readonly number: number;
  readonly entries: readonly BaselineEntry[];
}

/** Something that was in a folder when it was looked through, and is not in the image. */
export interface Missing {
  readonly path: string;
  readonly reason: "vanished" | "special" | "unreadable";
}

/** A folder as it is in the image. */
export interface WrittenFolder {
  readonly entries: readonly BaselineEntry[];
  readonly missing: readonly Missing[];
}

export interface ImageLimits {
  /** Of all files together. */
  readonly bytes: number;
  readonly entries: number;
  /** Directories in each other; each is open while what is in it is read. */
  readonly depth: number;
}

export class TooLarge extends Error {}

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY } = constants;
/** Nothing is waited for, such as whoever writes to a pipe. */
const TO_READ = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
/** A file that changes while it is read is read again. */
const TRIES = 3;
const PERMISSIONS = 0o777;

/**
 * Writes an image of folders to an open, empty file. Everything is opened relative to the open directory that it is in,
 * and no link is followed, so whatever others do meanwhile, nothing else is read. What vanished or became unreadable
 * meanwhile is left out. `id` has 16 bytes.
 */
export function writeImage(
  file: number,
  folders: readonly Folder[],
  options: {
    readonly id: Buffer;
    readonly limits: ImageLimits;
    readonly onFile?: ((bytes: number) => void) | undefined;
  },
): WrittenFolder[] {
  using image = new FileSystem(file);
  const room = { bytes: options.limits.bytes };
  const count = folders.reduce((sum, { entries }) => sum + entries.length, 0);
  if (count > options.limits.entries)
    throw new TooLarge(`it has ${count} entries; ${options.limits.entries} are possible`);
  const written = folders.map((folder) =>
    new FolderWriter(image, folder, room, options.limits, options.onFile).write(),
  );
  image.finish(options.id);
  return written;
}

interface OpenDirectory {
  readonly path: string;
  readonly fd: number;
  readonly node: Node;
}

class FolderWriter {
  readonly #image: FileSystem;
  readonly #folder: Folder;
  readonly #room: { bytes: number };
  readonly #limits: ImageLimits;
  readonly #onFile: ((bytes: number) => void) | undefined;
  readonly #open: OpenDirectory[] = [];
  readonly #entries: BaselineEntry[] = [];
  readonly #missing: Missing[] = [];
  /** Files with further names, by their path. */
  readonly #linked = new Map<string, { node: Node; stats: BigIntStats; entry: BaselineEntry }>();
  readonly #linkedPaths: ReadonlySet<string | undefined>;

  constructor(
    image: FileSystem,
    folder: Folder,
    room: { bytes: number },
    limits: ImageLimits,
    onFile: ((bytes: number) => void) | undefined,
  ) {
    this.#image = image;
    this.#folder = folder;
    this.#room = room;
    this.#limits = limits;
    this.#onFile = onFile;
    this.#linkedPaths = new Set(folder.entries.map(({ hardLinkOf }) => hardLinkOf));
  }

  write(): WrittenFolder {
    const { host, number, entries } = this.#folder;
    try {
      const fd = openSync(host, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      const stats = fstatSync(fd, { bigint: true });
      const node = this.#image.add(this.#image.root, String(number), "directory", {
        // Its user must be able to enter it.
        mode: (Number(stats.mode) & PERMISSIONS) | 0o700,
        mtimeNs: stats.mtimeNs,
      });
      this.#open.push({ path: "", fd, node });
      for (const entry of entries) this.#add(entry);
      return { entries: this.#entries, missing: this.#missing };
    } finally {
      for (const { fd } of this.#open) closeSync(fd);
    }
  }

  #add(entry: BaselineEntry): void {
    const slash = entry.path.lastIndexOf("/");
    const name = entry.path.slice(slash + 1);
    // A character beyond one byte would be another byte, such as a slash.
    if (!isName(name) || /[^\0-\u{ff}]/u.test(name))
      throw new Error(`${JSON.stringify(entry.path)} is no path in a folder`);
    const parent = this.#enter(slash === -1 ? "" : entry.path.slice(0, slash));
    // What is in a directory that is missing is missing with it.
    if (parent === undefined) return;
    const place = at(parent.fd, name);
    try {
      const added = this.#addAs(entry, parent, name, place);
      if (added === undefined) this.#missing.push({ path: entry.path, reason: "special" });
      else this.#entries.push(added);
    } catch (error) {
      const reason = reasonOf(error);
      if (reason === undefined) throw error;
      this.#missing.push({ path: entry.path, reason });
    }
  }

  /** The directory of this path, which is one of those that the last entry was in. */
  #enter(path: string): OpenDirectory | undefined {
    for (;;) {
      const last = this.#open.at(-1)!;
      if (last.path === path) return last;
      if (this.#open.length === 1 || path.startsWith(`${last.path}/`)) return undefined;
      closeSync(last.fd);
      this.#open.pop();
    }
  }

  /** Nothing, if it is of another kind by now. */
  #addAs(
    entry: BaselineEntry,
    parent: OpenDirectory,
    name: string,
    place: Buffer,
  ): BaselineEntry | undefined {
    if (entry.type === "directory") return this.#addDirectory(entry, parent, name, place);
    if (entry.type === "symlink") return this.#addLink(entry, parent, name, place);
    return this.#addFile(entry, parent, name, place);
  }

  #addDirectory(
    { path }: BaselineEntry,
    parent: OpenDirectory,
    name: string,
    place: Buffer,
  ): BaselineEntry {
    if (this.#open.length > this.#limits.depth)
      throw new TooLarge(`its directories are more than ${this.#limits.depth} deep`);
    const fd = openSync(place, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    const stats = fstatSync(fd, { bigint: true });
    const mode = Number(stats.mode) & PERMISSIONS;
    const node = this.#image.add(parent.node, name, "directory", { mode, mtimeNs: stats.mtimeNs });
    this.#open.push({ path, fd, node });
    return { path, type: "directory", mode, size: 0, ...timesOf(stats) };
  }

  #addLink(
    { path }: BaselineEntry,
    parent: OpenDirectory,
    name: string,
    place: Buffer,
  ): BaselineEntry | undefined {
    const stats = lstatSync(place, { bigint: true });
    if (!stats.isSymbolicLink()) return undefined;
    const target = readlinkSync(place, "latin1");
    const facts = { mode: PERMISSIONS, mtimeNs: stats.mtimeNs, target };
    this.#image.add(parent.node, name, "symlink", facts);
    return { path, type: "symlink", mode: PERMISSIONS, size: 0, ...timesOf(stats), target };
  }

  #addFile(
    { path, hardLinkOf }: BaselineEntry,
    parent: OpenDirectory,
    name: string,
    place: Buffer,
  ): BaselineEntry | undefined {
    const fd = openSync(place, TO_READ);
    try {
      const found = fstatSync(fd, { bigint: true });
      if (!found.isFile()) return undefined;
      const first = hardLinkOf === undefined ? undefined : this.#linked.get(hardLinkOf);
      if (first?.stats.ino === found.ino && first.stats.dev === found.dev) {
        this.#image.link(parent.node, name, first.node);
        return { ...first.entry, path, hardLinkOf: hardLinkOf! };
      }
      const { stats, size, digest, run } = this.#read(fd);
      const mode = Number(stats.mode) & PERMISSIONS;
      const node = this.#image.add(parent.node, name, "file", { mode, mtimeNs: stats.mtimeNs });
      node.size = size;
      if (run.count > 0) node.run = run;
      const entry: BaselineEntry = { path, type: "file", mode, size, ...timesOf(stats), digest };
      if (this.#linkedPaths.has(path)) this.#linked.set(path, { node, stats, entry });
      return entry;
    } finally {
      closeSync(fd);
    }
  }

  /** Copies a file as it was at one time, if it stands still for as long as that takes. */
  #read(fd: number): { stats: BigIntStats; size: number; digest: string; run: Run } {
    const { blocks } = this.#image;
    const before = blocks.next;
    let stats = fstatSync(fd, { bigint: true });
    for (let attempt = 1; ; attempt++) {
      if (stats.size > this.#room.bytes)
        throw new TooLarge(`its files have more than ${this.#limits.bytes} bytes`);
      const { run, bytes, digest } = blocks.copy(fd, Number(stats.size));
      const after = fstatSync(fd, { bigint: true });
      if (attempt === TRIES || (bytes === Number(stats.size) && isSame(stats, after))) {
        this.#room.bytes -= bytes;
        this.#onFile?.(bytes);
        return { stats, size: bytes, digest, run };
      }
      blocks.goBackTo(before);
      stats = after;
    }
  }
}

/** The path of an entry of an open directory. */
const at = (directory: number, name: string): Buffer =>
  Buffer.from(`/proc/self/fd/${directory}/${name}`, "latin1");

const isSame = (one: BigIntStats, other: BigIntStats): boolean =>
  one.size === other.size && one.mtimeNs === other.mtimeNs && one.ctimeNs === other.ctimeNs;

const milliseconds = (time: bigint): number =>
  Number(time / 1_000_000_000n) * 1000 + Number(time % 1_000_000_000n) / 1_000_000;

/** In the form of Node's own, so that they are equal to those of a scan. */
function timesOf({ mtimeNs, ctimeNs }: BigIntStats): { mtimeMs: number; ctimeMs: number } {
  return { mtimeMs: milliseconds(mtimeNs), ctimeMs: milliseconds(ctimeNs) };
}

/** Why something is left out; nothing for what must not happen. */
function reasonOf(error: unknown): Missing["reason"] | undefined {
  switch ((error as NodeJS.ErrnoException).code) {
    case "ENOENT":
    case "ENOTDIR":
      return "vanished";
    case "ELOOP":
    case "ENXIO":
    case "ENODEV":
      return "special";
    case "EACCES":
    case "EPERM":
      return "unreadable";
    default:
      return undefined;
  }
}
