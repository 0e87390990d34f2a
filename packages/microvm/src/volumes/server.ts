import { constants, fdatasync, fsync } from "node:fs";
import { lutimes, readdir, readlink, utimes } from "node:fs/promises";
import { promisify } from "node:util";
import { at, itself, statsOf, withEntry } from "./at.ts";
import { Handles } from "./handles.ts";
import { Hidden, type Hides } from "./hidden.ts";
import { Nodes, type SavedNode } from "./nodes.ts";
import {
  answer,
  type Attributes,
  attributesOut,
  direntOut,
  entryOut,
  errno,
  initialized,
  MAX_READ,
  MAX_WRITE,
  openOut,
  operations,
  OWNER,
  Refusal,
  Request,
  statfsOut,
  writeOut,
} from "./protocol.ts";
import { type OpenFile, PERMISSIONS, type Tree } from "./tree.ts";

const syncFd = { all: promisify(fsync), data: promisify(fdatasync) };
const DATA_ONLY = 1;
/** What `setattr` may change, by the bits of `valid`. */
const changes = { mode: 1, uid: 2, gid: 4, size: 8, atime: 16, mtime: 32, handle: 64 } as const;
const now = { atime: 128, mtime: 256 } as const;
/** Kinds of entries in a listing. Which it is, is looked up when it is asked for. */
const UNKNOWN_KIND = 0;
const KIND = 0o170000;
const REGULAR = 0o100000;
/** A write of pages that were mapped: they have their place, in whichever file that is open. */
const OF_CACHE = 1;
const NO_ID = 0xff_ff_ff_ff;

/** Requests that are worked on at once, whichever way they came: twice what one stream of them may have. */
const MAX_UNDER_WAY = 64;

type Handler = (request: Request) => Promise<Uint8Array | undefined> | Uint8Array | undefined;

/**
 * Serves one mount of a volume to a guest's kernel, which is not trusted: every number and name in a request may be
 * anything.
 */
export class VolumeServer {
  readonly #tree: Tree;
  readonly #nodes: Nodes;
  readonly #handles: Handles;
  readonly #hidden: Hidden;
  readonly #underWay = new Set<Promise<unknown>>();
  #isClosed = false;

  constructor(tree: Tree, saved?: readonly SavedNode[], hides?: Hides) {
    this.#tree = tree;
    this.#nodes = new Nodes(tree, saved);
    this.#handles = new Handles(tree);
    this.#hidden = new Hidden(this.#nodes, hides);
  }

  /** What the kernel knows, for the server of a copy of it. */
  save(): SavedNode[] {
    return this.#nodes.save();
  }

  /** Waits for what is under way: no descriptor is closed that a call may still use. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#underWay);
    await this.#handles.close();
    await this.#nodes.close();
  }

  /** Resolves to the answer, or to nothing where none is expected. Never rejects. */
  async handle(bytes: Buffer): Promise<Buffer | undefined> {
    if (this.#isClosed) return undefined;
    if (this.#underWay.size >= MAX_UNDER_WAY)
      return answer(new Request(bytes).unique, errno.ENOMEM);
    const work = this.#answer(bytes);
    this.#underWay.add(work);
    try {
      return await work;
    } finally {
      this.#underWay.delete(work);
    }
  }

  async #answer(bytes: Buffer): Promise<Buffer | undefined> {
    const request = new Request(bytes);
    const { operation, unique } = request;
    if (operation === operations.forget || operation === operations.batchForget)
      return this.#forget(request);
    if (operation === operations.interrupt) return undefined;
    try {
      const handler = this.#handlers[operation];
      if (handler === undefined) return answer(unique, errno.ENOSYS);
      return answer(unique, 0, await handler(request));
    } catch (error) {
      return answer(unique, numberOf(error));
    }
  }

  readonly #handlers: Readonly<Record<number, Handler>> = {
    [operations.init]: initialized,
    [operations.destroy]: () => undefined,
    [operations.lookup]: (request) => this.#entry(request.node, request.name()),
    [operations.getattr]: (request) => this.#getattr(request),
    [operations.setattr]: (request) => this.#setattr(request),
    [operations.readlink]: (request) =>
      this.#nodes.inParent(request.node, ({ directory, name }) =>
        readlink(at(directory, name), { encoding: "buffer" }),
      ),
    [operations.symlink]: (request) => {
      const name = request.name();
      const target = request.target();
      this.#hidden.requireFree(request.node, name, false);
      return this.#made(request.node, name, (place) => this.#tree.makeLink(place, target));
    },
    [operations.mknod]: (request) => {
      const mode = request.u32();
      request.skip(12);
      const name = request.name();
      if ((mode & KIND) !== REGULAR && (mode & KIND) !== 0) throw new Refusal("EPERM");
      this.#hidden.requireFree(request.node, name, false);
      return this.#made(request.node, name, async (place) =>
        this.#tree.closeFile(await this.#tree.create(place, mode)),
      );
    },
    [operations.mkdir]: (request) => {
      const mode = request.u32();
      request.skip(4);
      const name = request.name();
      this.#hidden.requireFree(request.node, name, true);
      return this.#made(request.node, name, (place) => this.#tree.makeDirectory(place, mode));
    },
    [operations.unlink]: async (request) => {
      const name = request.name();
      this.#hidden.requireSeen(request.node, name, false);
      const ino = await this.#nodes.inDirectory(request.node, (directory) =>
        this.#tree.unlink({ directory, name }),
      );
      if (ino !== undefined) this.#nodes.lost(ino);
      return undefined;
    },
    [operations.rmdir]: async (request) => {
      const name = request.name();
      this.#hidden.requireSeen(request.node, name, true);
      const ino = await this.#nodes.inDirectory(request.node, (directory) =>
        this.#tree.removeDirectory({ directory, name }),
      );
      this.#nodes.lost(ino);
      return undefined;
    },
    [operations.rename]: (request) => this.#rename(request),
    [operations.link]: (request) => this.#link(request),
    [operations.open]: (request) => this.#open(request),
    [operations.create]: (request) => this.#create(request),
    [operations.read]: (request) => this.#read(request),
    [operations.write]: (request) => this.#write(request),
    [operations.statfs]: () => statfsOut(this.#tree.space),
    [operations.release]: async (request) => {
      await this.#handles.release(request.u64(), request.node);
      return undefined;
    },
    [operations.fsync]: async (request) => {
      const handle = request.u64();
      const sync = (request.u32() & DATA_ONLY) === 0 ? syncFd.all : syncFd.data;
      const file = await this.#file(handle, request.node, constants.O_RDONLY);
      await this.#tree.use(file, sync);
      return undefined;
    },
    [operations.opendir]: (request) =>
      this.#nodes.inDirectory(request.node, async () =>
        openOut(this.#handles.addDirectory(request.node)),
      ),
    [operations.readdir]: (request) => this.#readdir(request),
    [operations.releasedir]: async (request) => {
      await this.#handles.release(request.u64(), request.node);
      return undefined;
    },
    [operations.fsyncdir]: () => undefined,
  };

  #forget(request: Request): undefined {
    try {
      const isOne = request.operation === operations.forget;
      const count = isOne ? 1 : request.u32();
      if (!isOne) request.skip(4);
      for (let index = 0; index < count; index++)
        this.#nodes.forget(isOne ? request.node : request.u64(), request.u64());
    } catch {
      // It is not answered, so there is nobody to tell.
    }
    return undefined;
  }

  /** Tells the kernel of an entry. */
  #entry(parent: number, name: string): Promise<Uint8Array> {
    return this.#nodes.inDirectory(parent, (directory) =>
      withEntry(directory, name, async ({ stats }) => {
        this.#hidden.requireSeen(parent, name, stats.isDirectory());
        return entryOut(this.#nodes.seen({ directory: parent, name }, stats), shown(stats));
      }),
    );
  }

  async #made(
    parent: number,
    name: string,
    make: (place: { directory: number; name: string }) => Promise<void>,
  ): Promise<Uint8Array> {
    await this.#nodes.inDirectory(parent, (directory) => make({ directory, name }));
    return this.#entry(parent, name);
  }

  async #getattr({ node }: Request): Promise<Uint8Array> {
    const open = this.#handles.fileOf(node);
    if (open !== undefined) return attributesOut(shown(await this.#tree.use(open, statsOf)));
    return this.#nodes.with(node, async ({ stats }) => attributesOut(shown(stats)));
  }

  async #setattr(request: Request): Promise<Uint8Array> {
    const { node } = request;
    const valid = request.u32();
    request.skip(4);
    const handle = request.u64();
    const size = request.u64();
    request.skip(8);
    const seconds = [request.bytes(8).readBigInt64LE(), request.bytes(8).readBigInt64LE()] as const;
    request.skip(8);
    const nanoseconds = [request.u32(), request.u32()] as const;
    request.skip(4);
    const mode = request.u32();
    request.skip(4);
    const owners = [request.u32(), request.u32()] as const;
    if ((valid & changes.uid) !== 0) requireOwner(owners[0]);
    if ((valid & changes.gid) !== 0) requireOwner(owners[1]);
    if ((valid & changes.size) !== 0) await this.#resize(node, valid, handle, size);
    const open = this.#handles.fileOf(node);
    if ((valid & changes.mode) !== 0) {
      const change = async (fd: number) => this.#tree.changeMode(fd, await statsOf(fd), mode);
      if (open) await this.#tree.use(open, change);
      else await this.#nodes.with(node, ({ fd, stats }) => this.#tree.changeMode(fd, stats, mode));
    }
    if ((valid & (changes.atime | changes.mtime)) !== 0) {
      const times = ({ atimeNs, mtimeNs }: Pick<Attributes, "atimeNs" | "mtimeNs">) =>
        [
          timeOf(valid, "atime", seconds[0], nanoseconds[0], atimeNs),
          timeOf(valid, "mtime", seconds[1], nanoseconds[1], mtimeNs),
        ] as const;
      const change = async (fd: number) => utimes(itself(fd), ...times(await statsOf(fd)));
      if (open) await this.#tree.use(open, change);
      else await this.#setTimes(node, times);
    }
    return this.#getattr(request);
  }

  async #resize(node: number, valid: number, handle: number, size: number): Promise<void> {
    const open =
      (valid & changes.handle) !== 0 ? await this.#file(handle, node, constants.O_RDWR) : undefined;
    if (open !== undefined) return this.#tree.resize(open, size);
    const file = await this.#reopen(node, constants.O_WRONLY);
    try {
      await this.#tree.resize(file, size);
    } finally {
      await this.#tree.closeFile(file);
    }
  }

  #setTimes(
    node: number,
    times: (stats: Attributes) => readonly [atime: number, mtime: number],
  ): Promise<void> {
    return this.#nodes.with(node, async ({ fd, stats }) => {
      if (!stats.isSymbolicLink()) return utimes(itself(fd), ...times(shown(stats)));
      await this.#nodes.inParent(node, ({ directory, name }) =>
        lutimes(at(directory, name), ...times(shown(stats))),
      );
    });
  }

  async #rename(request: Request): Promise<undefined> {
    const target = request.u64();
    const from = request.name();
    const to = request.name();
    await this.#nodes.inDirectory(request.node, (directory) =>
      this.#nodes.inDirectory(target, async (other) => {
        await this.#hidden.requireMovable(
          { parent: request.node, directory, name: from },
          { parent: target, name: to },
        );
        await this.#tree.rename({ directory, name: from }, { directory: other, name: to });
      }),
    );
    await this.#moved(target, to);
    return undefined;
  }

  /** Where an object is now that the kernel knows; it does not look it up again. */
  async #moved(parent: number, name: string): Promise<void> {
    const look = this.#nodes.inDirectory(parent, (directory) =>
      withEntry(directory, name, async ({ stats }) =>
        this.#nodes.moved({ directory: parent, name }, stats),
      ),
    );
    // Somebody else may have moved it on.
    await look.catch(() => {});
  }

  #link(request: Request): Promise<Uint8Array> {
    const source = request.u64();
    const name = request.name();
    this.#hidden.requireFree(request.node, name, false);
    return this.#made(request.node, name, (place) =>
      this.#nodes.inParent(source, (from) =>
        this.#tree.linkTo(from, this.#nodes.inoOf(source), place),
      ),
    );
  }

  async #open(request: Request): Promise<Uint8Array> {
    const flags = request.u32();
    this.#handles.requireRoom();
    const file = await this.#reopen(request.node, flags);
    return openOut(await this.#handles.addFile(request.node, file));
  }

  async #create(request: Request): Promise<Uint8Array> {
    const flags = request.u32();
    const mode = request.u32();
    request.skip(8);
    const name = request.name();
    this.#handles.requireRoom();
    const parent = request.node;
    this.#hidden.requireFree(parent, name, false);
    const file = await this.#nodes.inDirectory(parent, async (directory) => {
      const place = { directory, name };
      try {
        return await this.#tree.create(place, mode, flags);
      } catch (error) {
        const isThere = (error as NodeJS.ErrnoException).code === "EEXIST";
        if (!isThere || (flags & constants.O_EXCL) !== 0) throw error;
        return this.#tree.openFile(place, undefined, flags);
      }
    });
    let node: number;
    let stats;
    try {
      stats = await this.#tree.use(file, statsOf);
      node = this.#nodes.seen({ directory: parent, name }, stats);
    } catch (error) {
      await this.#tree.closeFile(file);
      throw error;
    }
    const handle = await this.#handles.addFile(node, file).catch((error: unknown) => {
      this.#nodes.forget(node, 1);
      throw error;
    });
    return Buffer.concat([entryOut(node, shown(stats)), openOut(handle)]);
  }

  #reopen(node: number, flags: number): Promise<OpenFile> {
    const open = this.#handles.fileOf(node);
    const ino = this.#nodes.inoOf(node);
    return this.#nodes
      .inParent(node, (place) => this.#tree.openFile(place, ino, flags))
      .catch((error: unknown) => {
        // It has lost its name, and is still open.
        if (open === undefined || !isGone(error)) throw error;
        return this.#tree.openAgain(open, flags);
      });
  }

  /** An open file. One that was opened before the sandbox was saved is opened again, if it is where it was. */
  async #file(handle: number, node: number, flags: number): Promise<OpenFile> {
    const open = this.#handles.file(handle, node);
    if (open !== undefined) return open;
    this.#handles.requireRoom();
    const file = await this.#reopen(node, flags & ~constants.O_TRUNC);
    await this.#handles.addFile(node, file, handle);
    return file;
  }

  async #read(request: Request): Promise<Uint8Array> {
    const handle = request.u64();
    const offset = request.u64();
    const size = request.u32();
    request.skip(12);
    const flags = request.u32();
    const file = await this.#file(handle, request.node, flags);
    return this.#tree.read(file, offset, Math.min(size, MAX_READ));
  }

  async #write(request: Request): Promise<Uint8Array> {
    const handle = request.u64();
    const offset = request.u64();
    const size = request.u32();
    const isOfCache = (request.u32() & OF_CACHE) !== 0;
    request.skip(8);
    const flags = request.u32();
    request.skip(4);
    if (size > MAX_WRITE) throw new Refusal("EINVAL");
    const data = request.bytes(size);
    const file = await this.#file(handle, request.node, flags);
    const position = file.appends && !isOfCache ? "end" : offset;
    return writeOut(await this.#tree.write(file, data, position));
  }

  async #readdir(request: Request): Promise<Uint8Array> {
    const { node } = request;
    const handle = request.u64();
    const offset = request.u64();
    const size = Math.min(request.u32(), MAX_READ);
    const list = (): Promise<string[]> =>
      this.#nodes.inDirectory(node, async (fd) => [
        ...[".", ".."],
        ...(await this.#hidden.seen(node, fd, await readdir(itself(fd), { encoding: "latin1" }))),
      ]);
    const { names } = await this.#handles.listing(handle, node, offset > 0, list);
    const parts: Buffer[] = [];
    let length = 0;
    for (let index = offset; index < names.length; index++) {
      const part = direntOut(names[index]!, UNKNOWN_KIND, index + 1);
      if (length + part.length > size) break;
      length += part.length;
      parts.push(part);
    }
    return Buffer.concat(parts, length);
  }
}

/** What the guest sees: the kind and the permissions, but no bits that would change who runs a program. */
function shown(
  stats: Omit<Attributes, "mode" | "nlink"> & { mode: bigint; nlink: bigint },
): Attributes {
  const { ino, size, blocks, atimeNs, mtimeNs, ctimeNs } = stats;
  const mode = Number(stats.mode) & (KIND | PERMISSIONS);
  return { ino, size, blocks, atimeNs, mtimeNs, ctimeNs, mode, nlink: Number(stats.nlink) };
}

/** Everything belongs to one user; to give it to another is refused. */
function requireOwner(id: number): void {
  if (id !== OWNER && id !== NO_ID) throw new Refusal("EPERM");
}

/** In seconds. */
function timeOf(
  valid: number,
  which: "atime" | "mtime",
  seconds: bigint,
  nanoseconds: number,
  was: bigint,
): number {
  if ((valid & changes[which]) === 0) return Number(was) / 1e9;
  return (valid & now[which]) !== 0 ? Date.now() / 1000 : Number(seconds) + nanoseconds / 1e9;
}

function numberOf(error: unknown): number {
  if (error instanceof Refusal) return error.errno;
  const { errno: number } = error as NodeJS.ErrnoException;
  return number !== undefined && number < 0 && number > -512 ? -number : errno.EIO;
}

const isGone = (error: unknown): boolean =>
  [errno.ENOENT, errno.ESTALE].includes(numberOf(error) as typeof errno.ENOENT);
