/** The kernel's protocol of FUSE, as `linux/fuse.h` has it, in its version 7.31: what is used of it here. */
export const operations = {
  lookup: 1,
  forget: 2,
  getattr: 3,
  setattr: 4,
  readlink: 5,
  symlink: 6,
  mknod: 8,
  mkdir: 9,
  unlink: 10,
  rmdir: 11,
  rename: 12,
  link: 13,
  open: 14,
  read: 15,
  write: 16,
  statfs: 17,
  release: 18,
  fsync: 20,
  init: 26,
  opendir: 27,
  readdir: 28,
  releasedir: 29,
  fsyncdir: 30,
  create: 35,
  interrupt: 36,
  destroy: 38,
  batchForget: 42,
} as const;

export const ROOT = 1;
export const HEADER_BYTES = 40;
/**
 * Most bytes of one write: what precedes them fits, too, into what the agent reads at once. The kernel counts in pages.
 */
export const MAX_WRITE: number = 64 * 4096;
/** Most bytes of one read, which the kernel counts in pages as well. */
export const MAX_READ: number = 64 * 4096;
/** A longer request is none: a write, or two names. */
export const MAX_REQUEST: number = HEADER_BYTES + 80 + MAX_WRITE;
const MAX_NAME = 255;
const MAX_TARGET = 4095;

const MAJOR = 7;
const MINOR = 31;
const OLDEST_MINOR = 28;
const flags = {
  asyncRead: 1 << 0,
  atomicTruncate: 1 << 3,
  bigWrites: 1 << 5,
  autoInvalidate: 1 << 12,
  parallelDirectories: 1 << 18,
  maxPages: 1 << 22,
};
const WANTED = Object.values(flags).reduce((all, flag) => all | flag, 0);

/** Numbers of errors, as the kernel knows them on every architecture that sandboxes have. */
export const errno = {
  EPERM: 1,
  ENOENT: 2,
  EIO: 5,
  EBADF: 9,
  ENOMEM: 12,
  EACCES: 13,
  EXDEV: 18,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  ENFILE: 23,
  EMFILE: 24,
  ENOSPC: 28,
  ENAMETOOLONG: 36,
  ENOSYS: 38,
  ENOTSUP: 95,
  ESTALE: 116,
} as const;

/** What a request is answered with instead of a result. */
export class Refusal extends Error {
  readonly errno: number;

  constructor(name: keyof typeof errno) {
    super(name);
    this.errno = errno[name];
  }
}

/** A request, whose header was read and whose length is right. What follows the header is read piece by piece. */
export class Request {
  readonly operation: number;
  /** Returned in the answer. */
  readonly unique: Buffer;
  readonly node: number;
  readonly #bytes: Buffer;
  #at = HEADER_BYTES;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.operation = bytes.readUInt32LE(4);
    this.unique = bytes.subarray(8, 16);
    this.node = Number(bytes.readBigUInt64LE(16));
  }

  #take(bytes: number): number {
    const at = this.#at;
    if (at + bytes > this.#bytes.length) throw new Refusal("EINVAL");
    this.#at = at + bytes;
    return at;
  }

  u32(): number {
    return this.#bytes.readUInt32LE(this.#take(4));
  }

  /** As a number: what is larger than those that are exact is none that this side gave out, and no offset either. */
  u64(): number {
    const value = this.#bytes.readBigUInt64LE(this.#take(8));
    if (value > Number.MAX_SAFE_INTEGER) throw new Refusal("EINVAL");
    return Number(value);
  }

  skip(bytes: number): void {
    this.#take(bytes);
  }

  bytes(count: number): Buffer {
    return this.#bytes.subarray(this.#take(count), this.#at);
  }

  /** A name in a directory, as latin1: one character for each byte. Never a path, and never a way up. */
  name(): string {
    const name = this.#text();
    if (name.length > MAX_NAME) throw new Refusal("ENAMETOOLONG");
    if (!isName(name)) throw new Refusal("EINVAL");
    return name;
  }

  /** What a symbolic link says; nobody follows it here. */
  target(): string {
    const target = this.#text();
    if (target.length === 0) throw new Refusal("ENOENT");
    if (target.length > MAX_TARGET) throw new Refusal("ENAMETOOLONG");
    return target;
  }

  #text(): string {
    const end = this.#bytes.indexOf(0, this.#at);
    if (end === -1) throw new Refusal("EINVAL");
    const text = this.#bytes.toString("latin1", this.#at, end);
    this.#at = end + 1;
    return text;
  }
}

/** Whether it names an entry of a directory, and nothing else. */
export const isName = (name: string): boolean =>
  name.length > 0 && name.length <= MAX_NAME && !/^\.{1,2}$|[/\0]/.test(name);

export function answer(unique: Buffer, error: number, body?: Uint8Array): Buffer {
  const length = 16 + (body?.length ?? 0);
  const bytes = Buffer.allocUnsafe(length);
  bytes.writeUInt32LE(length, 0);
  bytes.writeInt32LE(-error, 4);
  unique.copy(bytes, 8);
  if (body !== undefined) bytes.set(body, 16);
  return bytes;
}

/** The answer to the first request of a mount, in which both sides say what they can. */
export function initialized(request: Request): Buffer {
  const major = request.u32();
  const minor = request.u32();
  const readahead = request.u32();
  const offered = request.u32();
  if (major !== MAJOR || minor < OLDEST_MINOR) throw new Refusal("ENOSYS");
  const body = Buffer.alloc(64);
  body.writeUInt32LE(MAJOR, 0);
  body.writeUInt32LE(MINOR, 4);
  body.writeUInt32LE(readahead, 8);
  body.writeUInt32LE(offered & WANTED, 12);
  body.writeUInt16LE(16, 16); // requests in the background
  body.writeUInt16LE(12, 18); // of which so many are much
  body.writeUInt32LE(MAX_WRITE, 20);
  body.writeUInt32LE(1, 24); // times are in nanoseconds
  body.writeUInt16LE(MAX_READ / 4096, 28);
  return body;
}

/** What is shown of an object in a volume. */
export interface Attributes {
  readonly ino: bigint;
  readonly size: bigint;
  readonly blocks: bigint;
  readonly atimeNs: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  /** Its kind and its permissions. */
  readonly mode: number;
  readonly nlink: number;
}

/** Everything in a volume belongs to the sandbox's `user`. */
export const OWNER = 1000;
const NANOSECONDS = 1_000_000_000n;

function attributes(of: Attributes): Buffer {
  const body = Buffer.alloc(88);
  body.writeBigUInt64LE(of.ino, 0);
  body.writeBigUInt64LE(of.size, 8);
  body.writeBigUInt64LE(of.blocks, 16);
  [of.atimeNs, of.mtimeNs, of.ctimeNs].forEach((time, index) => {
    // Before 1970, the seconds are negative, and the nanoseconds are not.
    const rest = ((time % NANOSECONDS) + NANOSECONDS) % NANOSECONDS;
    body.writeBigInt64LE((time - rest) / NANOSECONDS, 24 + index * 8);
    body.writeUInt32LE(Number(rest), 48 + index * 4);
  });
  body.writeUInt32LE(of.mode, 60);
  body.writeUInt32LE(of.nlink, 64);
  body.writeUInt32LE(OWNER, 68);
  body.writeUInt32LE(OWNER, 72);
  body.writeUInt32LE(4096, 80);
  return body;
}

/**
 * How long the guest's kernel may go by it, in seconds. Other sandboxes may change files at any time, and names as well,
 * so those are asked for each time; what may be done in a directory seldom changes, and is asked for at every step.
 */
const secondsValid = ({ mode }: Attributes): bigint => ((mode & 0o170000) === 0o040000 ? 1n : 0n);

export function attributesOut(of: Attributes): Buffer {
  const head = Buffer.alloc(16);
  head.writeBigUInt64LE(secondsValid(of), 0);
  return Buffer.concat([head, attributes(of)]);
}

export function entryOut(node: number, of: Attributes): Buffer {
  const head = Buffer.alloc(40);
  head.writeBigUInt64LE(BigInt(node), 0);
  head.writeBigUInt64LE(secondsValid(of), 24);
  return Buffer.concat([head, attributes(of)]);
}

export function openOut(handle: number): Buffer {
  const body = Buffer.alloc(16);
  body.writeBigUInt64LE(BigInt(handle), 0);
  return body;
}

export function writeOut(bytes: number): Buffer {
  const body = Buffer.alloc(8);
  body.writeUInt32LE(bytes, 0);
  return body;
}

export interface Space {
  readonly bytes: number;
  readonly freeBytes: number;
  readonly files: number;
  readonly freeFiles: number;
}

export function statfsOut({ bytes, freeBytes, files, freeFiles }: Space): Buffer {
  const block = 4096;
  const body = Buffer.alloc(80);
  const free = BigInt(Math.floor(freeBytes / block));
  body.writeBigUInt64LE(BigInt(Math.ceil(bytes / block)), 0);
  body.writeBigUInt64LE(free, 8);
  body.writeBigUInt64LE(free, 16);
  body.writeBigUInt64LE(BigInt(files), 24);
  body.writeBigUInt64LE(BigInt(freeFiles), 32);
  body.writeUInt32LE(block, 40);
  body.writeUInt32LE(MAX_NAME, 44);
  body.writeUInt32LE(block, 48);
  return body;
}

/** The number that stands for one that is not known. */
const NO_INO = 0xff_ff_ff_ffn;

/** An entry of a listing, of which the next one begins at `next`. */
export function direntOut(name: string, type: number, next: number): Buffer {
  const length = 24 + name.length;
  const body = Buffer.alloc(Math.ceil(length / 8) * 8);
  body.writeBigUInt64LE(NO_INO, 0);
  body.writeBigUInt64LE(BigInt(next), 8);
  body.writeUInt32LE(name.length, 16);
  body.writeUInt32LE(type, 20);
  body.write(name, 24, "latin1");
  return body;
}
