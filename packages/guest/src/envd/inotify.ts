import type { Socket } from "node:net";
import { pollable } from "../descriptor.ts";
import { native } from "../native.ts";

/** Bits of the kernel's masks. */
export const Bit = {
  modify: 0x2,
  attrib: 0x4,
  movedFrom: 0x40,
  movedTo: 0x80,
  create: 0x100,
  delete: 0x200,
  deleteSelf: 0x400,
  moveSelf: 0x800,
  unmount: 0x2000,
  overflow: 0x4000,
  ignored: 0x8000,
  onlyDirectory: 0x0100_0000,
  doNotFollow: 0x0200_0000,
  isDirectory: 0x4000_0000,
} as const;

export interface InotifyRecord {
  readonly watch: number;
  readonly mask: number;
  /** Empty when the watched directory itself is meant. */
  readonly name: string;
}

const headBytes = 16;

/** The records in what one read returned: the kernel never splits one. */
export function parseRecords(chunk: Buffer): InotifyRecord[] {
  const records: InotifyRecord[] = [];
  for (let at = 0; at + headBytes <= chunk.length;) {
    const length = chunk.readUInt32LE(at + 12);
    const name = chunk.subarray(at + headBytes, at + headBytes + length);
    const end = name.indexOf(0);
    records.push({
      watch: chunk.readInt32LE(at),
      mask: chunk.readUInt32LE(at + 4),
      name: name.toString("utf8", 0, end < 0 ? name.length : end),
    });
    at += headBytes + length;
  }
  return records;
}

interface Calls {
  start(flags: number): number;
  add(fd: number, path: string, mask: number): number;
  remove(fd: number, watch: number): number;
}

/** Nothing that is watched otherwise: only directories are. */
const unwatched = "/dev/null";

let calls: Calls | undefined;

function loadCalls(): Calls {
  const library = native().load(null);
  const declare = (declaration: string): never => library.func(declaration) as never;
  return {
    start: declare("int inotify_init1(int flags)"),
    add: declare("int inotify_add_watch(int fd, const char *path, uint32_t mask)"),
    remove: declare("int inotify_rm_watch(int fd, int watch)"),
  };
}

const nonBlockingCloseOnExec = 0o2004000;

/** One of the kernel's queues of changes. Its stream's chunks are for `parseRecords`. */
export class Inotify {
  readonly stream: Socket;
  readonly #fd: number;

  constructor() {
    calls ??= loadCalls();
    this.#fd = calls.start(nonBlockingCloseOnExec);
    if (this.#fd < 0) throw new InotifyError(native().errno());
    this.stream = pollable(this.#fd, { writable: false });
  }

  /** Returns the watch's number, which is the same if the directory is watched already. */
  add(path: string, mask: number): number {
    const watch = calls!.add(this.#fd, path, mask);
    if (watch < 0) throw new InotifyError(native().errno());
    return watch;
  }

  remove(watch: number): void {
    calls!.remove(this.#fd, watch);
  }

  /** Puts a mark into the queue, after what has happened so far: a record of a watch with the number that it returns. */
  mark(): number {
    const watch = this.add(unwatched, Bit.deleteSelf);
    this.remove(watch);
    return watch;
  }
}

export class InotifyError extends Error {
  readonly errno: number;

  constructor(errno: number) {
    super(`inotify failed with error ${errno}`);
    this.errno = errno;
  }
}
