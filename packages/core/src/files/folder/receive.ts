import { chmod, link, lutimes, mkdir, open, rm, symlink, utimes } from "node:fs/promises";
import { EmberboxError } from "../../errors.ts";
import type { IsIgnored } from "./ignored.ts";
import { readTar, type TarEntry } from "../../tar/read.ts";
import { shareTurn } from "../../wire/share-turn.ts";
import { staysInside } from "./links.ts";
import type { FolderCopy, FolderProgress } from "./options.ts";
import { under } from "./scan.ts";

/** What a name may have on this machine, in bytes. */
const NAME_BYTES = 255;
const PATH_BYTES = 4000;
const PROGRESS_BYTES = 1024 * 1024;
/** Others of this machine may not write to what came from a sandbox, and nothing runs as its owner. */
const MODE = 0o775;

export interface Limits {
  readonly maxBytes: number;
  readonly maxEntries: number;
  readonly skipUnsafe: boolean;
  readonly isIgnored: IsIgnored;
  readonly onProgress: ((progress: FolderProgress) => unknown) | undefined;
}

interface About {
  readonly mode: number;
  readonly mtime: number;
}

/** What file systems take; the year 2242. */
const MAX_SECONDS = 8 ** 11;
const time = (mtime: number): number => Math.min(Math.max(mtime, 0), MAX_SECONDS);

/**
 * Unpacks an archive of a sandbox into a directory that is new, and that nobody else writes to. Files are made only in
 * directories that were made here, and symbolic links after everything else, so none is ever followed.
 */
export class Receiver {
  readonly #root: string;
  readonly #limits: Limits;
  readonly #directories = new Map<string, About>();
  readonly #files = new Set<string>();
  readonly #links = new Map<string, string>();
  readonly #linkTimes = new Map<string, number>();
  readonly #ignored = new Set<string>();
  readonly #skipped: string[] = [];
  #entries = 0;
  #seen = 0;
  #bytes = 0;

  constructor(root: string, limits: Limits) {
    this.#root = root;
    this.#limits = limits;
    this.#directories.set("", { mode: 0o755, mtime: Date.now() / 1000 });
  }

  async receive(chunks: AsyncIterable<Uint8Array>): Promise<FolderCopy> {
    for await (const entry of readTar(chunks)) {
      await this.#take(entry);
      await shareTurn();
    }
    await this.#finish();
    await this.#progress();
    return { files: this.#files.size, bytes: this.#bytes, skipped: this.#skipped };
  }

  /** Removes everything, directories too that may not be written to. */
  async discard(): Promise<void> {
    for (const path of this.#directories.keys()) await chmod(this.#at(path), 0o700).catch(() => {});
    await rm(this.#root, { recursive: true, force: true });
  }

  async #take(entry: TarEntry): Promise<void> {
    this.#entries += 1;
    // Also what is left out costs time; it may not go on forever.
    this.#seen += entry.size;
    if (this.#entries > this.#limits.maxEntries)
      throw tooMuch(`more than ${this.#limits.maxEntries} files, directories and links`);
    if (this.#seen > this.#limits.maxBytes)
      throw tooMuch(`more than ${this.#limits.maxBytes} bytes`);
    const path = cleanPath(entry.path);
    if (this.#isLeftOut(path, entry.type === "directory")) return;
    if (this.#files.has(path) || this.#links.has(path)) throw broken(path, "is there twice");
    const parent = path.slice(0, Math.max(0, path.lastIndexOf("/")));
    if (path !== "" && !this.#directories.has(parent))
      throw broken(path, "comes before its directory");
    if (entry.type === "directory") await this.#directory(path, entry);
    else if (path === "") throw broken(path, "is not a directory");
    else if (this.#directories.has(path)) throw broken(path, "is there twice");
    else if (entry.type === "symlink") this.#link(path, entry);
    else if (entry.type === "device" || entry.type === "fifo")
      this.#refuse(path, "is a device or pipe");
    else if ((entry.mode & 0o6000) !== 0)
      this.#refuse(path, "runs as its owner (setuid or setgid)");
    else if (entry.type === "hardlink") await this.#hardlink(path, entry);
    else await this.#file(path, entry);
  }

  /** Parents come before what is in them, so only one has to be looked at. */
  #isLeftOut(path: string, isDirectory: boolean): boolean {
    if (path === "") return false;
    const parent = path.slice(0, Math.max(0, path.lastIndexOf("/")));
    if (!this.#ignored.has(parent) && !this.#limits.isIgnored(path, isDirectory)) return false;
    if (isDirectory) this.#ignored.add(path);
    return true;
  }

  async #directory(path: string, { mode, mtime }: TarEntry): Promise<void> {
    if (path !== "") {
      if (this.#directories.has(path)) throw broken(path, "is there twice");
      await mkdir(this.#at(path), { mode: 0o700 });
    }
    this.#directories.set(path, { mode: mode & MODE, mtime: time(mtime) });
  }

  async #file(path: string, { mode, mtime, content }: TarEntry): Promise<void> {
    const file = await open(this.#at(path), "wx", 0o600);
    this.#files.add(path);
    let unsaid = 0;
    try {
      for await (const piece of content) {
        await file.writeFile(piece);
        this.#bytes += piece.length;
        unsaid += piece.length;
        if (unsaid < PROGRESS_BYTES) continue;
        unsaid = 0;
        await this.#progress();
      }
      await file.utimes(time(mtime), time(mtime));
      await file.chmod(mode & MODE);
    } finally {
      await file.close();
    }
    if (this.#files.size % 100 === 0) await this.#progress();
  }

  async #hardlink(path: string, { target }: TarEntry): Promise<void> {
    const first = cleanPath(target);
    if (!this.#files.has(first)) return this.#refuse(path, "is a hard link to what is not there");
    await link(this.#at(first), this.#at(path));
    this.#files.add(path);
  }

  #link(path: string, { target, mtime }: TarEntry): void {
    if (target === "" || target.includes("\0") || target.length > PATH_BYTES)
      throw broken(path, "is a link that cannot be");
    this.#links.set(path, target);
    this.#linkTimes.set(path, time(mtime));
  }

  async #finish(): Promise<void> {
    for (const [path, target] of this.#links) {
      await shareTurn();
      if (!staysInside(path, this.#links)) {
        this.#refuse(path, "is a link that leads out of the folder");
        continue;
      }
      await symlink(Buffer.from(target, "latin1"), this.#at(path));
      const mtime = this.#linkTimes.get(path)!;
      await lutimes(this.#at(path), mtime, mtime);
    }
    for (const [path, { mode, mtime }] of [...this.#directories].toReversed()) {
      await utimes(this.#at(path), mtime, mtime);
      await chmod(this.#at(path), mode);
    }
  }

  #refuse(path: string, why: string): void {
    if (!this.#limits.skipUnsafe) throw unsafe(path, why);
    this.#skipped.push(shown(path));
  }

  #at(path: string): Buffer {
    return under(this.#root, Buffer.from(path, "latin1"));
  }

  async #progress(): Promise<void> {
    await this.#limits.onProgress?.({ files: this.#files.size, bytes: this.#bytes });
  }
}

/** A path in the folder, the folder itself being empty. @throws `protocol_error` for one that leads elsewhere */
function cleanPath(path: string): string {
  const names = path.replace(/^\.(?:\/+|$)/, "").replace(/\/+$/, "");
  if (names === "") return "";
  if (names.length > PATH_BYTES || names.includes("\0") || names.split("/").some(isNoName))
    throw broken(path, "is no path in the folder");
  return names;
}

const isNoName = (name: string): boolean =>
  name === "" || name === "." || name === ".." || name.length > NAME_BYTES;

const shown = (path: string): string => String(Buffer.from(path, "latin1"));

const refused = (path: string, why: string): string =>
  `The sandbox's folder was not copied: ${JSON.stringify(shown(path).slice(0, 200))} ${why}`;

/** What no archive of a folder has. */
const broken = (path: string, why: string): EmberboxError =>
  new EmberboxError("protocol_error", refused(path, why), { details: { path: shown(path) } });

const unsafe = (path: string, why: string): EmberboxError =>
  new EmberboxError("invalid_path", refused(path, why), {
    hint: "Leave such things out by `skipUnsafe: true`, or this one by `ignore`.",
    details: { path: shown(path) },
  });

const tooMuch = (what: string): EmberboxError =>
  new EmberboxError("file_too_large", `The sandbox's folder was not copied: it has ${what}`, {
    hint: "Raise `maxBytes` or `maxEntries`, or leave something out by `ignore`.",
  });
