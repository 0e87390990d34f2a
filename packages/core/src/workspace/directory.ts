import { closeSync, constants, mkdirSync, openSync, readSync } from "node:fs";
import { bufferOf } from "./paths.ts";

const NO_LINK = constants.O_NOFOLLOW;
const isLinux = process.platform === "linux";

/**
 * A directory that is open: what is reached from it stays in it, even if somebody puts a link in its place. (Where
 * there is no `/proc`, only its path is known, and links are merely looked for.)
 */
export class Directory implements Disposable {
  readonly fd: number;
  readonly #path: string;

  constructor(fd: number, path: string) {
    this.fd = fd;
    this.#path = path;
  }

  /** @throws as `open` does */
  static root(host: string): Directory {
    return new Directory(
      openSync(host, constants.O_RDONLY | constants.O_DIRECTORY | NO_LINK),
      Buffer.from(host).toString("latin1"),
    );
  }

  /** The path of something in it, by the bytes of its name. */
  at(name: string): Buffer {
    const base = isLinux ? `/proc/self/fd/${this.fd}` : this.#path;
    return bufferOf(name === "" ? `${base}/` : `${base}/${name}`);
  }

  /** A directory in it. @throws `ELOOP` or `ENOTDIR` if it is a link */
  open(name: string): Directory {
    const flags = constants.O_RDONLY | constants.O_DIRECTORY | NO_LINK;
    return new Directory(openSync(this.at(name), flags), `${this.#path}/${name}`);
  }

  /** Makes a directory in it. */
  make(name: string, mode: number): void {
    mkdirSync(this.at(name), { mode });
  }

  /** The directory at a relative path, without following a link. */
  walk(path: string): Directory {
    let directory: Directory = this.open(".");
    for (const name of path === "" ? [] : path.split("/")) {
      try {
        const next = directory.open(name);
        directory[Symbol.dispose]();
        directory = next;
      } catch (error) {
        directory[Symbol.dispose]();
        throw error;
      }
    }
    return directory;
  }

  [Symbol.dispose](): void {
    closeSync(this.fd);
  }
}

/** The beginning of a file, one character for each byte. A link is not followed, and a pipe not waited for. */
export function readBeginning(directory: Directory, name: string, bytes: number): string {
  const fd = openSync(directory.at(name), constants.O_RDONLY | NO_LINK | constants.O_NONBLOCK);
  try {
    const buffer = Buffer.allocUnsafe(bytes);
    return buffer.toString("latin1", 0, readSync(fd, buffer, 0, bytes, 0));
  } finally {
    closeSync(fd);
  }
}
