import { type BigIntStats, constants, ftruncate, read, write } from "node:fs";
import { chmod, link, mkdir, rename, rmdir, symlink, unlink } from "node:fs/promises";
import { promisify } from "node:util";
import { Queue } from "@emberbox/core/concurrency";
import { chmodFd, closeFd, openFd } from "../host/descriptors.ts";
import { at, find, itself, openFile, openRoot, statsOf, withEntry } from "./at.ts";
import { Refusal, type Space } from "./protocol.ts";
import { countAll, type Limits, Usage } from "./usage.ts";

const readFd = promisify(read);
const writeFd = promisify(write);
const truncateFd = promisify(ftruncate);

/** The bits that a volume keeps of a mode: what a program runs as is decided in the sandbox, by nothing from here. */
export const PERMISSIONS = 0o777;
/** A directory is always its owner's to use, so that what is in it can be reached and removed. */
const directoryMode = (mode: number): number => (mode & PERMISSIONS) | 0o700;
/** The largest size of a file, in bytes; more is more than any limit. */
const MAX_SIZE = 2 ** 50;

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR, O_APPEND, O_TRUNC } = constants;
const O_ACCMODE = 3;

/** A file that is open. */
export interface OpenFile {
  readonly fd: number;
  readonly ino: bigint;
  /** Whoever opened it wants to write at its end, wherever that is by then. */
  readonly appends: boolean;
  /** Calls that work with it. */
  users: number;
  /** It is to be closed once nobody works with it. */
  isReleased: boolean;
}

/** An entry of an open directory. */
export interface Place {
  readonly directory: number;
  readonly name: string;
}

/**
 * The files of a volume, whoever in this program works on them: mounts, and the calls of the program itself. What
 * changes how much there is happens one at a time, so that nothing is counted wrongly.
 */
export class Tree {
  readonly root: number;
  readonly device: bigint;
  readonly #usage: Usage;
  readonly #changes = new Queue();
  /** How often each file is open. */
  readonly #open = new Map<bigint, number>();
  /** Files without a name, which take space as long as they are open. */
  readonly #nameless = new Set<bigint>();

  private constructor(root: number, device: bigint, usage: Usage) {
    this.root = root;
    this.device = device;
    this.#usage = usage;
  }

  static open(path: string, limits: Limits): Promise<Tree> {
    return Tree.#begin(path, limits, countAll);
  }

  /** A directory that others work on as well: the limits are for what is added. */
  static openAsItIs(path: string, limits: Limits): Promise<Tree> {
    return Tree.#begin(path, limits, async () => {});
  }

  static async #begin(path: string, limits: Limits, count: typeof countAll): Promise<Tree> {
    const root = await openRoot(path);
    try {
      const usage = new Usage(limits);
      const { dev } = await statsOf(root);
      await count(root, usage);
      return new Tree(root, dev, usage);
    } catch (error) {
      await closeFd(root);
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#changes.run(() => closeFd(this.root));
  }

  get space(): Space {
    return this.#usage.space;
  }

  /** Makes a file, which must not be there, and opens it. */
  create({ directory, name }: Place, mode: number, flags: number = O_RDWR): Promise<OpenFile> {
    return this.#counted(async () => {
      const how = (flags & O_ACCMODE) | O_CREAT | O_EXCL | O_NOFOLLOW;
      const fd = await openFd(at(directory, name), how, mode & PERMISSIONS);
      // Past the mask of this program.
      await chmodFd(fd, mode & PERMISSIONS);
      return this.#opened(fd, flags);
    });
  }

  makeDirectory({ directory, name }: Place, mode: number): Promise<void> {
    return this.#counted(async () => {
      await mkdir(at(directory, name), directoryMode(mode));
      await withEntry(directory, name, async ({ fd, stats }) => {
        if (stats.isDirectory()) await chmod(itself(fd), directoryMode(mode));
      });
    });
  }

  /** The target is only kept: it is for the sandbox's kernel, and is never followed here. */
  makeLink({ directory, name }: Place, target: string): Promise<void> {
    return this.#counted(() => symlink(Buffer.from(target, "latin1"), at(directory, name)));
  }

  /** Counts an object more, unless it cannot be made. */
  #counted<T>(make: () => Promise<T>): Promise<T> {
    return this.#changes.run(async () => {
      this.#usage.add(0, 1);
      try {
        return await make();
      } catch (error) {
        this.#usage.remove(0, 1);
        throw error;
      }
    });
  }

  /** Gives what is at `from` another name, if it is the object of this number. */
  linkTo(from: Place, ino: bigint, to: Place): Promise<void> {
    return this.#changes.run(async () => {
      const { stats } = await this.#look(from);
      if (stats.ino !== ino || stats.isDirectory()) throw new Refusal("EPERM");
      await link(at(from.directory, from.name), at(to.directory, to.name));
    });
  }

  /** Returns what has lost its last name. */
  unlink({ directory, name }: Place): Promise<bigint | undefined> {
    return this.#changes.run(async () => {
      const { stats } = await this.#look({ directory, name });
      await unlink(at(directory, name));
      return this.#lostName(stats);
    });
  }

  removeDirectory({ directory, name }: Place): Promise<bigint> {
    return this.#changes.run(async () => {
      const { stats } = await this.#look({ directory, name });
      await rmdir(at(directory, name));
      this.#usage.remove(0, 1);
      return stats.ino;
    });
  }

  rename(from: Place, to: Place): Promise<void> {
    return this.#changes.run(async () => {
      const moved = await this.#look(from);
      const replaced = await this.#look(to).catch(() => undefined);
      await rename(at(from.directory, from.name), at(to.directory, to.name));
      if (replaced === undefined || replaced.stats.ino === moved.stats.ino) return;
      if (replaced.stats.isDirectory()) this.#usage.remove(0, 1);
      else this.#lostName(replaced.stats);
    });
  }

  async #look({ directory, name }: Place): Promise<{ stats: BigIntStats }> {
    const { fd, stats } = await find(directory, name);
    await closeFd(fd);
    return { stats };
  }

  #lostName(stats: BigIntStats): bigint | undefined {
    if (stats.nlink > 1n) return undefined;
    if (this.#open.has(stats.ino)) this.#nameless.add(stats.ino);
    else this.#usage.remove(stats.isFile() ? Number(stats.size) : 0, 1);
    return stats.ino;
  }

  /** Opens a file that is there. */
  openFile({ directory, name }: Place, ino: bigint | undefined, flags: number): Promise<OpenFile> {
    return this.#changes.run(() =>
      withEntry(directory, name, async (found) => {
        if (ino !== undefined && found.stats.ino !== ino) throw new Refusal("ESTALE");
        const fd = await openFile(found, flags & O_ACCMODE);
        const file = await this.#opened(fd, flags);
        try {
          if ((flags & O_TRUNC) !== 0) await this.#resize(fd, 0);
          return file;
        } catch (error) {
          file.isReleased = true;
          await this.#closed(file);
          throw error;
        }
      }),
    );
  }

  /** Opens what is open once more. */
  openAgain(file: OpenFile, flags: number): Promise<OpenFile> {
    return this.use(file, (fd) =>
      this.#changes.run(async () =>
        this.#opened(await openFd(itself(fd), flags & O_ACCMODE), flags),
      ),
    );
  }

  async #opened(fd: number, flags: number): Promise<OpenFile> {
    try {
      const { ino } = await statsOf(fd);
      this.#open.set(ino, (this.#open.get(ino) ?? 0) + 1);
      return { fd, ino, appends: (flags & O_APPEND) !== 0, users: 0, isReleased: false };
    } catch (error) {
      await closeFd(fd);
      throw error;
    }
  }

  /**
   * Does work with an open file, which is not closed meanwhile: its descriptor's number could be another file's by then,
   * of another volume or of this program.
   */
  async use<T>(file: OpenFile, work: (fd: number) => Promise<T>): Promise<T> {
    if (file.isReleased) throw new Refusal("EBADF");
    file.users++;
    try {
      return await work(file.fd);
    } finally {
      file.users--;
      if (file.isReleased && file.users === 0) await this.#changes.run(() => this.#closed(file));
    }
  }

  /** Closes a file, once nobody works with it. */
  async closeFile(file: OpenFile): Promise<void> {
    if (file.isReleased) return;
    file.isReleased = true;
    if (file.users === 0) await this.#changes.run(() => this.#closed(file));
  }

  async #closed({ fd, ino }: OpenFile): Promise<void> {
    try {
      const others = this.#open.get(ino)! - 1;
      if (others > 0) return void this.#open.set(ino, others);
      this.#open.delete(ino);
      if (this.#nameless.delete(ino)) this.#usage.remove(Number((await statsOf(fd)).size), 1);
    } finally {
      await closeFd(fd);
    }
  }

  read(file: OpenFile, offset: number, bytes: number): Promise<Buffer> {
    return this.use(file, async (fd) => {
      const buffer = Buffer.allocUnsafe(bytes);
      const { bytesRead } = await readFd(fd, buffer, 0, bytes, offset);
      return buffer.subarray(0, bytesRead);
    });
  }

  write(file: OpenFile, data: Buffer, position: number | "end"): Promise<number> {
    return this.use(file, (fd) => this.#changes.run(() => this.#write(fd, data, position)));
  }

  async #write(fd: number, data: Buffer, position: number | "end"): Promise<number> {
    const size = Number((await statsOf(fd)).size);
    const offset = position === "end" ? size : position;
    const end = offset + data.length;
    if (end > MAX_SIZE) throw new Refusal("ENOSPC");
    const more = Math.max(0, end - size);
    this.#usage.add(more);
    let grown = 0;
    try {
      const { bytesWritten } = await writeFd(fd, data, 0, data.length, offset);
      return bytesWritten;
    } finally {
      if (more > 0) grown = Number((await statsOf(fd)).size) - size;
      this.#usage.remove(more - grown);
    }
  }

  resize(file: OpenFile, size: number): Promise<void> {
    return this.use(file, (fd) => this.#changes.run(() => this.#resize(fd, size)));
  }

  async #resize(fd: number, size: number): Promise<void> {
    if (size > MAX_SIZE) throw new Refusal("ENOSPC");
    const more = size - Number((await statsOf(fd)).size);
    if (more > 0) this.#usage.add(more);
    try {
      await truncateFd(fd, size);
    } catch (error) {
      if (more > 0) this.#usage.remove(more);
      throw error;
    }
    if (more < 0) this.#usage.remove(-more);
  }

  /** Changes the permissions of what is open, be it as a place. */
  async changeMode(fd: number, stats: BigIntStats, mode: number): Promise<void> {
    if (stats.isSymbolicLink()) throw new Refusal("ENOTSUP");
    await chmod(itself(fd), stats.isDirectory() ? directoryMode(mode) : mode & PERMISSIONS);
  }
}
